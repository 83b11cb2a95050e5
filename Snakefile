# The workflow is read in workflow/Snakefile.
include: "workflow/Snakefile"


workflow.default_target = "all"
