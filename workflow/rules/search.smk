SEARCH = "<results>/search/{dataset}/{method}/rate{rate}/seed{seed}"


if not COMMITTED:

    rule search_train:
        """One run of the search for learning rates, with a long patience."""
        input:
            data="data/{dataset}.npz",
        output:
            curve=f"{SEARCH}/curve.csv",
            record=f"{SEARCH}/record.json",
        log:
            "<results>/logs/search/{dataset}/{method}/rate{rate}/seed{seed}.log",
        wildcard_constraints:
            rate=r"[0-9.e-]+",
        retries: 1  # a killed run goes on from its checkpoint
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=2000,
            gpu=config["gpu"],
            device="cuda" if config["gpu"] else "cpu",
            compile="--compile" if config["compile"] else "",
        params:
            folder=lambda wildcards, output: Path(output.record).parents[1],
            name=NAME,
            settings=search_flags,
            code=model_code,
        shell:
            "python -m models.train --data {input.data} --seeds {wildcards.seed}"
            " --output {params.folder} --configuration {params.name:q}"
            " --device {resources.device} --threads {threads} {resources.compile}"
            " --curves-only {params.settings} > {log} 2>&1"


rule search:
    """Learning rates of a column of Table 2, and patience, by validation ELBO alone."""
    input:
        records=search_files("record.json"),
        curves=search_files("curve.csv"),
    output:
        csv="<results>/search/{dataset}.csv",
        markdown="<results>/search/{dataset}.md",
    log:
        "<results>/logs/search/{dataset}.log",
    conda:
        "../../environment.yml"
    params:
        face=FACE,
        order=[config["table2"]["priors"], config["search"]["rates"]],
        folders=folders("records"),
        code=SCRIPTS_CODE,
    shell:
        "python -m workflow.scripts.search {params.face} --runs {params.folders}"
        " --csv {output.csv} --markdown {output.markdown} > {log} 2>&1"


rule protocol_search:
    """The search for every column of Table 2."""
    input:
        search_products(SEARCHED),
