SEARCH = "<results>/search/{dataset}/{method}/rate{rate}"


rule search_train:
    """One run of the search for learning rates, with a long patience."""
    input:
        data="data/{dataset}.npz",
    output:
        weights=temp(f"{SEARCH}/seed{{seed}}/weights.npz"),
        curve=f"{SEARCH}/seed{{seed}}/curve.csv",
        record=f"{SEARCH}/seed{{seed}}/record.json",
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
        " {params.settings} > {log} 2>&1"


rule protocol_search:
    """Learning rate of each cell of Table 2, and patience, by validation ELBO alone."""
    input:
        [
            f"<results>/search/{dataset}/{method}/rate{rate}/seed{seed}/{name}"
            for dataset, method in configuration.table2_pairs(config)
            for rate in config["search"]["rates"]
            for seed in range(config["search"]["seeds"])
            for name in ("curve.csv", "record.json")
        ],
    output:
        csv="<results>/search.csv",
        markdown="<results>/search.md",
    log:
        "<results>/logs/search.log",
    conda:
        "../../environment.yml"
    params:
        face=FACE,
        folders=lambda wildcards, input: [Path(f).parent for f in input[::2]],
        code=SCRIPTS_CODE,
    shell:
        "python -m workflow.scripts.search {params.face} --runs {params.folders}"
        " --csv {output.csv} --markdown {output.markdown} > {log} 2>&1"
