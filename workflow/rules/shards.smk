# `scatter`: the samples of one dataset in several jobs.


rule shard:
    input:
        recordings=recordings,
    output:
        temp(f"{RESULTS}/shards/{{name}}/{{shard}}-of-{{shards}}.json"),
    log:
        f"{RESULTS}/logs/shards/{{name}}-{{shard}}-of-{{shards}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/shards/{{name}}-{{shard}}-of-{{shards}}.tsv"
    wildcard_constraints:
        name=one_of(SCATTERED),
        shard=r"\d+",
        shards=r"\d+",
    conda:
        "../envs/seriesview.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb,
        runtime=minutes,
        scratch=scratch,
    params:
        words=words,
        entries=samples_entry,
        store=store_options,
        version=ARTIFACT_VERSION,
        state=state,
        results=results,
    shell:
        "{params.entries} | seriesview build-chunk {params.words:q} --entries - {params.store:q}"
        " --scratch={resources.scratch:q}"
        " --shard {wildcards.shard}/{wildcards.shards}"
        " --results {params.results:q} --threads {threads} --out {output:q}"
        " 2>&1 | tee {log:q} >&2"


rule gather:
    input:
        shards=shards,
        recordings=recordings,
    output:
        f"{RESULTS}/artifacts/{{name}}.json",
    log:
        f"{RESULTS}/logs/shards/{{name}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/shards/{{name}}.tsv"
    wildcard_constraints:
        name=one_of(SCATTERED),
    conda:
        "../envs/seriesview.yaml"
    threads: 2
    resources:
        mem_mb=mem_mb,
        runtime=minutes,
        scratch=scratch,
    params:
        words=words,
        entries=samples_entry,
        store=store_options,
        version=ARTIFACT_VERSION,
        state=state,
        results=results,
        shards=listed,
    shell:
        "{params.entries} | seriesview build-chunk {params.words:q} --entries - {params.store:q}"
        " --scratch={resources.scratch:q}"
        " --gather <({params.shards})"
        " --results {params.results:q} --threads {threads} --out {output:q}"
        " 2>&1 | tee {log:q} >&2"
