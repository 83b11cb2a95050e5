rule dataset:
    """Arrays that training reads (Section 5.1), from the first source that answers."""
    output:
        "data/{dataset}.npz",
    log:
        "data/logs/{dataset}.log",
    conda:
        "../../environment.yml"
    params:
        recipe=lambda wildcards: DATASETS[wildcards.dataset].recipe(),
        code=lambda wildcards: DATASETS[wildcards.dataset].code(),
    shell:
        "python -m workflow.data.prepare --dataset {wildcards.dataset}"
        " --output {output} --downloads data/raw > {log} 2>&1"
