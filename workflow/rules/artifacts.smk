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
        dataset=samples_json,
        store=store_json,
        version=ARTIFACT_VERSION,
        state=state,
        ledger="results/ledger/{name}.jsonl",
    shell:
        "seriesview build-artifacts {wildcards.name:q} --dataset-json {params.dataset:q}"
        " --store-json {params.store:q} --ledger {params.ledger:q} --threads {threads}"
        " --out {output:q} 2>&1 | tee {log:q} >&2"


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
        dataset=samples_json,
        store=store_json,
        version=ARTIFACT_VERSION,
        state=state,
        ledger="results/ledger/{name}-{shard}-of-{shards}.jsonl",
    shell:
        "seriesview build-artifacts {wildcards.name:q} --dataset-json {params.dataset:q}"
        " --store-json {params.store:q} --ledger {params.ledger:q} --threads {threads}"
        " --shard {wildcards.shard} --shards {wildcards.shards}"
        " --out {output:q} 2>&1 | tee {log:q} >&2"


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
        dataset=samples_json,
        store=store_json,
        version=ARTIFACT_VERSION,
        state=state,
        ledger="results/ledger/{name}.jsonl",
    shell:
        "seriesview build-artifacts {wildcards.name:q} --dataset-json {params.dataset:q}"
        " --store-json {params.store:q} --ledger {params.ledger:q} --threads {threads}"
        " --out {output:q} --gather {input.shards:q} 2>&1 | tee {log:q} >&2"
