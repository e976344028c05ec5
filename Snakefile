# The demo, or whatever the config.yaml of this directory describes.
if not config:

    configfile: "config.yaml"


include: "workflow/Snakefile"


rule default:
    default_target: True
    input:
        rules.all.input,
