rule evaluate:
    """Per-seed scores of one (dataset, method) pair; never retrains."""
    input:
        data="data/{dataset}.npz",
        weights=seed_files("weights.npz"),
        records=seed_files("record.json"),
    output:
        "<results>/scores/{dataset}/{method}.csv",
    log:
        "<results>/logs/evaluate/{dataset}/{method}.log",
    benchmark:
        "<results>/benchmarks/evaluate/{dataset}/{method}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        gpu=config["gpu"],
        device="cuda" if config["gpu"] else "cpu",
    params:
        folders=folders("weights"),
        name=NAME,
        samples=config["importance_samples"],
        model=model_code,
        code=SCORING_CODE,
    shell:
        "python -m models.evaluate --data {input.data} --runs {params.folders}"
        " --samples {params.samples} --configuration {params.name:q}"
        " --output {output} --device {resources.device} --threads {threads}"
        " > {log} 2>&1"


rule audit_runs:
    """What the scores of one pair leave out: more samples, the prior's normaliser."""
    input:
        data="data/{dataset}.npz",
        weights=seed_files("weights.npz"),
        records=seed_files("record.json"),
    output:
        "<results>/audit/{dataset}/{method}.csv",
    log:
        "<results>/logs/audit/{dataset}/{method}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        gpu=config["gpu"],
        device="cuda" if config["gpu"] else "cpu",
    params:
        folders=folders("weights"),
        name=NAME,
        flags=configuration.audit_flags(config),
        model=model_code,
        code=AUDIT_CODE,
    shell:
        "python -m models.audit --data {input.data} --runs {params.folders}"
        " {params.flags} --configuration {params.name:q}"
        " --output {output} --device {resources.device} --threads {threads}"
        " > {log} 2>&1"


rule posterior:
    """Samples of q(z|x) on OneHot for one panel of Figure 1."""
    input:
        data="data/{dataset}.npz",
        weights=f"<results>/runs/{{dataset}}/{{method}}/seed{DRAWN}/weights.npz",
        record=f"<results>/runs/{{dataset}}/{{method}}/seed{DRAWN}/record.json",
    output:
        "<results>/posterior/{dataset}/{method}.csv",
    log:
        "<results>/logs/posterior/{dataset}/{method}.log",
    wildcard_constraints:
        dataset="onehot",
    conda:
        "../../environment.yml"
    params:
        folder=subpath(input.weights, parent=True),
        model=model_code,
        code=POSTERIOR_CODE,
    shell:
        "python -m models.posterior --data {input.data} --runs {params.folder}"
        " --output {output} > {log} 2>&1"
