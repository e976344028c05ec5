rule demo_data:
    output:
        DEMO_FILES,
    log:
        "results/logs/demo_data.log",
    benchmark:
        "results/benchmarks/demo_data.tsv"
    resources:
        mem_mb=600,
        runtime=10,
    params:
        directory=str(Path(DEMO_FILES[0]).parent),
    shell:
        "seriesview demo-data {params.directory:q} 2>&1 | tee {log:q} >&2"
