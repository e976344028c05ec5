rule artifacts:
    input:
        recording,
    output:
        "results/artifacts/{name}.json",
    log:
        "results/logs/artifacts/{name}.log",
    benchmark:
        "results/benchmarks/artifacts/{name}.tsv"
    wildcard_constraints:
        name=one_of(WHOLE),
    conda:
        "../envs/seriesview.yaml"
    threads: 2
    resources:
        mem_mb=500,
        runtime=minutes,
    params:
        entries=samples_json,
        store=store_options,
        version=ARTIFACT_VERSION,
        state=state,
    shell:
        "printf %s {params.entries:q} | seriesview build-dataset --entries - {params.store:q} --samples"
        " --ledger results/ledger --failures results/failures --threads {threads} --out {output:q}"
        " 2>&1 | tee {log:q} >&2"


rule artifacts_shard:
    input:
        recording,
    output:
        temp("results/shards/{name}/{shard}-of-{shards}.json"),
    log:
        "results/logs/artifacts/{name}-{shard}-of-{shards}.log",
    benchmark:
        "results/benchmarks/artifacts/{name}-{shard}-of-{shards}.tsv"
    wildcard_constraints:
        name=one_of(SCATTERED),
        shards=r"\d+",
    conda:
        "../envs/seriesview.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=minutes,
    params:
        entries=samples_json,
        store=store_options,
        version=ARTIFACT_VERSION,
        state=state,
    shell:
        "printf %s {params.entries:q} | seriesview build-dataset --entries - {params.store:q}"
        " --shard {wildcards.shard}/{wildcards.shards}"
        " --ledger results/ledger --failures results/failures --threads {threads} --out {output:q}"
        " 2>&1 | tee {log:q} >&2"


rule artifacts_gather:
    input:
        shards=shards,
        recording=recording,
    output:
        "results/artifacts/{name}.json",
    log:
        "results/logs/artifacts/{name}.log",
    benchmark:
        "results/benchmarks/artifacts/{name}.tsv"
    wildcard_constraints:
        name=one_of(SCATTERED),
    conda:
        "../envs/seriesview.yaml"
    threads: 2
    resources:
        mem_mb=500,
        runtime=minutes,
    params:
        entries=samples_json,
        store=store_options,
        version=ARTIFACT_VERSION,
        state=state,
        gather=lambda wildcards, input: gather_options(input.shards),
    shell:
        "printf %s {params.entries:q} | seriesview build-dataset --entries - {params.store:q} --samples"
        " {params.gather:q}"
        " --ledger results/ledger --failures results/failures --threads {threads} --out {output:q}"
        " 2>&1 | tee {log:q} >&2"
