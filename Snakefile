# The demo, or whatever the config.yaml of this directory describes.
from pathlib import Path

from seriesview.demo.files import DEMO_FILES

if not config:

    configfile: "config.yaml"


include: "workflow/Snakefile"


rule default:
    default_target: True
    input:
        rules.all.input,


rule demo_data:
    output:
        DEMO_FILES,
    log:
        "results/logs/demo_data.log",
    benchmark:
        "results/benchmarks/demo_data.tsv"
    conda:
        "workflow/envs/seriesview.yaml"
    resources:
        mem_mb=600,
        runtime=10,
    params:
        directory=lambda wildcards, output: str(Path(output[0]).parent),
    shell:
        "seriesview demo-data {params.directory:q} 2>&1 | tee {log:q} >&2"
