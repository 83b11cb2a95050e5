rule figure1:
    """Figure 1: posterior samples on OneHot."""
    input:
        samples=[f"<source>/posterior/{d}/{m}.csv" for d, m in ONEHOT],
        records=lambda wildcards: some(
            f"<source>/runs/{d}/{m}/seed{DRAWN}/record.json" for d, m in ONEHOT
        ),
    output:
        multiext("<figures>/figure1", ".png", ".pdf", ".svg"),
    log:
        "<results>/logs/figure1.log",
    conda:
        "../../environment.yml"
    params:
        face=FACE,
        seed=DRAWN,
        folders=folders("records"),
        code=SCRIPTS_CODE,
    shell:
        "python -m workflow.scripts.figure1 {params.face} --samples {input.samples}"
        " --seed {params.seed} --runs {params.folders} --output {output} > {log} 2>&1"


rule figure2:
    """Figure 2: validation ELBO against the epoch on OneHot."""
    input:
        curves=seed_files("curve.csv", ONEHOT),
        records=seed_files("record.json", ONEHOT),
    output:
        multiext("<figures>/figure2", ".png", ".pdf", ".svg"),
    log:
        "<results>/logs/figure2.log",
    conda:
        "../../environment.yml"
    params:
        face=FACE,
        folders=folders("records"),
        first=WARMUP,
        code=SCRIPTS_CODE,
    shell:
        "python -m workflow.scripts.figure2 {params.face} --runs {params.folders}"
        " --first-epoch {params.first} --output {output} > {log} 2>&1"


rule figure3:
    """Figure 3: test log-likelihood against the VampPrior's K."""
    input:
        lambda wildcards: some(score_files(SWEEP)),
    output:
        multiext("<figures>/figure3", ".png", ".pdf", ".svg"),
    log:
        "<results>/logs/figure3.log",
    conda:
        "../../environment.yml"
    params:
        face=FACE,
        dataset=config["figure3"]["dataset"],
        samples=config["importance_samples"],
        code=SCRIPTS_CODE,
    shell:
        "python -m workflow.scripts.figure3 {params.face} --scores {input}"
        " --dataset {params.dataset} --importance-samples {params.samples}"
        " --output {output} > {log} 2>&1"
