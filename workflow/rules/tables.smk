rule scores:
    """Every seed's scores in one long-form table."""
    input:
        score_files(SCORED),
    output:
        "<results>/scores.csv",
    log:
        "<results>/logs/scores.log",
    conda:
        "../../environment.yml"
    params:
        order=SCORED,  # Snakemake does not compare that of the input
    # /dev/null: of committed runs there may be no score file, and awk would wait
    shell:
        "awk 'FNR > 1 || NR == 1' {input} /dev/null > {output} 2> {log}"


rule table1:
    """Table 1: number and dimensions of the datasets, from the arrays themselves."""
    input:
        sizes=(
            "results/reference/table1.csv"
            if COMMITTED
            else expand("data/{dataset}.npz", dataset=config["table1"])
        ),
    output:
        csv="<results>/table1.csv",
        markdown="<results>/table1.md",
        latex="<results>/table1.tex",
    log:
        "<results>/logs/table1.log",
    conda:
        "../../environment.yml"
    params:
        face=FACE,
        kind="--sizes" if COMMITTED else "--data",
        datasets=["--datasets", *config["table1"]] if COMMITTED else [],
        order=config["table1"],  # Snakemake does not compare that of the input
        code=SCRIPTS_CODE,
    shell:
        "python -m workflow.scripts.table1 {params.face} {params.kind} {input.sizes}"
        " {params.datasets} --csv {output.csv} --markdown {output.markdown} --latex {output.latex}"
        " > {log} 2>&1"


rule table2:
    """Table 2: test log-likelihoods, bold by pair-wise t-tests."""
    input:
        score_files(TRAINED),
    output:
        csv="<results>/table2.csv",
        markdown="<results>/table2.md",
        latex="<results>/table2.tex",
    log:
        "<results>/logs/table2.log",
    conda:
        "../../environment.yml"
    params:
        face=FACE,
        cells=TABLE2,
        code=SCRIPTS_CODE,
    shell:
        "python -m workflow.scripts.table2 {params.face} --scores {input}"
        " {params.cells} --csv {output.csv} --markdown {output.markdown}"
        " --latex {output.latex} > {log} 2>&1"


rule comparison:
    """Whether the paper's Tables 1 and 2 hold, cell by cell."""
    input:
        scores=score_files(TRAINED),
        table1="<results>/table1.csv",
        paper="results/reference/paper.csv",
        paper_table1="results/reference/paper_table1.csv",
    output:
        csv="<results>/comparison.csv",
        order="<results>/comparison_order.csv",
        sizes="<results>/comparison_sizes.csv",
        markdown="<results>/comparison.md",
    log:
        "<results>/logs/comparison.log",
    conda:
        "../../environment.yml"
    params:
        face=FACE,
        cells=TABLE2,
        protocol=PROTOCOL,
        code=SCRIPTS_CODE,
    shell:
        "python -m workflow.scripts.comparison {params.face} --scores {input.scores}"
        " {params.cells} --table1 {input.table1} --paper {input.paper}"
        " --paper-table1 {input.paper_table1} --csv {output.csv}"
        " --order-csv {output.order} --sizes-csv {output.sizes}"
        " --markdown {output.markdown} --protocol {params.protocol} > {log} 2>&1"


rule audit:
    """Table 2 with more importance samples, and with a prior that is normalised."""
    input:
        scores=score_files(AUDITED),
        audits=[f"<source>/audit/{d}/{m}.csv" for d, m in AUDITED],
        records=seed_files("record.json", AUDITED),
        curves=seed_files("curve.csv", AUDITED),
    output:
        csv="<results>/audit.csv",
        ratio="<results>/audit_ratio.csv",
        markdown="<results>/audit.md",
    log:
        "<results>/logs/audit.log",
    conda:
        "../../environment.yml"
    params:
        face=FACE,
        samples=config["importance_samples"],
        order=AUDITED,
        folders=folders("records"),
        code=SCRIPTS_CODE,
    shell:
        "python -m workflow.scripts.audit {params.face} --scores {input.scores}"
        " --audits {input.audits} --runs {params.folders}"
        " --importance-samples {params.samples}"
        " --csv {output.csv} --ratio-csv {output.ratio} --markdown {output.markdown}"
        " > {log} 2>&1"


rule onehot:
    """Figure 2 in numbers, and ln p(x) itself."""
    input:
        records=seed_files("record.json", ONEHOT),
        curves=seed_files("curve.csv", ONEHOT),
        scores=score_files(ONEHOT),
    output:
        csv="<results>/onehot.csv",
        markdown="<results>/onehot.md",
    log:
        "<results>/logs/onehot.log",
    conda:
        "../../environment.yml"
    params:
        face=FACE,
        folders=folders("records"),
        first=WARMUP,
        code=SCRIPTS_CODE,
    shell:
        "python -m workflow.scripts.onehot {params.face} --runs {params.folders}"
        " --first-epoch {params.first} --scores {input.scores} --csv {output.csv}"
        " --markdown {output.markdown} > {log} 2>&1"


rule speed_claim:
    """Section 5.3: how much faster our training is than the VampPrior's."""
    input:
        records=seed_files("record.json", TRAINED),
        curves=seed_files("curve.csv", TRAINED),
    output:
        csv="<results>/speed_claim.csv",
        markdown="<results>/speed_claim.md",
    log:
        "<results>/logs/speed_claim.log",
    conda:
        "../../environment.yml"
    params:
        face=FACE,
        order=TRAINED,
        folders=folders("records"),
        code=SCRIPTS_CODE,
    shell:
        "python -m workflow.scripts.speed_claim {params.face} --runs {params.folders}"
        " --csv {output.csv} --markdown {output.markdown} > {log} 2>&1"
