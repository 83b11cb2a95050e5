RUNS = "<results>/runs/{dataset}/{method}"

# one rule for each batch of seeds, so that a seed's files lie where they do whether it
# was trained alone or in company
for batch in configuration.seed_batches(config):
    span = f"seed{batch[0]}" + (f"to{batch[-1]}" if len(batch) > 1 else "")

    rule:
        name:
            f"train_{span}"
        input:
            data="data/{dataset}.npz",
        output:
            weights=[f"{RUNS}/seed{seed}/weights.npz" for seed in batch],
            curves=[f"{RUNS}/seed{seed}/curve.csv" for seed in batch],
            records=[f"{RUNS}/seed{seed}/record.json" for seed in batch],
        log:
            f"<results>/logs/train/{{dataset}}/{{method}}/{span}.log",
        benchmark:
            f"<results>/benchmarks/train/{{dataset}}/{{method}}/{span}.tsv"
        retries: 1  # a killed run goes on from its checkpoint
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=2000,
            gpu=config["gpu"],
            # resources, because how jobs are cut and where they run retrains nothing
            seeds=" ".join(map(str, batch)),
            device="cuda" if config["gpu"] else "cpu",
            compile="--compile" if config["compile"] else "",
        params:
            folder=lambda wildcards, output: Path(output.weights[0]).parents[1],
            name=NAME,
            settings=settings_flags,
            code=model_code,
        shell:
            "python -m models.train --data {input.data} --seeds {resources.seeds}"
            " --output {params.folder} --configuration {params.name:q}"
            " --device {resources.device} --threads {threads} {resources.compile}"
            " {params.settings} > {log} 2>&1"
