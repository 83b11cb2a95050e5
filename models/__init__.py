"""The model core: torch and numpy only, usable without the workflow.

Read in this order: settings, randomness, distributions, networks, priors/, vae, avb,
steps, stopping, data, building, training, evaluation, quadrature, annealing, audit. The
paper's parts:

Eqs. 2, 3, 18       the ELBO, importance weights                 vae.VAE
Eq. 9               the VampPrior                                priors.vampprior
Eqs. 10, 14-16, 21  the implicit optimal prior                   priors.iop
Eqs. 13, 20         T and its objective                          networks.RatioNet
Eqs. 4, 19          what a step maximises                        steps.Steps
Algorithm 1         and warm-up, early stopping                  training.Trainer
Eq. 8               the aggregated posterior, to audit T with    audit.aggregated

Around them: how steps run (machine, graphs), what is kept (files, checkpoint, runs,
provenance), the commands (train, evaluate, audit, posterior), and what these share
(options, scoring, progress, memory).

Shapes are written at line ends: S seeds, B images of a batch, N of a split, D pixels, H
hidden units, L latent dimensions, K mixture components, M samples, C chains or distinct
images, R rows of whatever. In the paper L is the number of samples of z in training,
one, K in Algorithm 1 the images of a batch, M in Eq. 20 the training images; in tables
and options S is the number of importance samples.
"""
