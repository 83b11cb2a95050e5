"""The model core: torch and numpy only, usable without the workflow.

Read in this order: settings, randomness, networks, distributions, priors/, vae, avb,
steps, training, evaluation, annealing. Shapes are written at line ends: S seeds, B
images of a batch, D pixels, H hidden units, L latent dimensions, K mixture components,
M samples.
"""
