/**
 * @file The values that the viewer's rooms pass to one another. Types alone, no code.
 *
 * Data flow: source -> tiles -> columns -> pixels (all in the worker) -> canvas (main thread).
 */

/**
 * How far in the view is: one of the two numbers is 1, or, of a page, columnsPerSample is all its columns and samplesPerColumn
 * the ticks that they show. Columns are device pixels.
 * @typedef {object} Rung
 * @property {number} samplesPerColumn ticks a column, from the ladder; 1 where columnsPerSample is over 1
 * @property {number} columnsPerSample columns a tick; 1 unless closer than one tick a column
 */

/**
 * What stretch of time the panels show. Columns are counted on an absolute grid: column c covers the closed
 * interval of ticks [c * samplesPerColumn / columnsPerSample, (c + 1) * samplesPerColumn / columnsPerSample].
 * @typedef {object} FramePosition
 * @property {number} leftColumn absolute number (may be negative) of the leftmost column
 * @property {number} columns how many columns there are: the canvases' width in device pixels
 * @typedef {Rung & FramePosition} Frame
 */

/**
 * The grid that frames count on: the samples of the reference series (the first regular one of the first panel).
 * View time 0 is the beginning of the earliest series; tick n is at view time startTime + n / ticksPerSecond.
 * @typedef {object} Timeline
 * @property {number} ticksPerSecond
 * @property {number} startTime view time of tick 0, seconds
 * @property {number} endTime end of the latest series, view time, seconds
 * @property {number} firstTime beginning of the earliest series, view time, seconds
 * @property {string | null} sessionStart ISO 8601, with a zone where one is known, of view time 0; null: no wall clock
 * @property {Record<string, string>} clockNotes by series URI: what to know of where it was put on the clock
 * @property {Record<string, number>} shifts by series URI: what to add to its own times to get view times, seconds
 * @property {number[]} ladder the samplesPerColumn that there are, ascending, from 1
 * @property {number} finest the smallest samplesPerColumn that is read exactly (1 with raw samples, else the base)
 */

/**
 * @typedef {object} ArrayInfo a stored array (docs/format.md)
 * @property {string} dtype
 * @property {number[]} shape
 * @property {number} part_rows
 * @property {number} pack_parts
 * @property {string[]} pages
 * @property {[number, number][]} [left_out] rows [first, last) that this copy was made without (raw samples alone)
 * @property {'means'} [kind] levels hold means and numbers of samples, and not lows and highs
 * @property {Absent} [absent] what is missing in its rows: they are read with NaN in its place
 */

/**
 * Stored values of a channel that stand for none; of 64-bit integers they are BigInts.
 * @typedef {object} MissingRule
 * @property {(number | bigint)[]} values
 * @property {number | bigint | null} below
 * @property {number | bigint | null} above
 */

/**
 * What is missing in the samples of a series.
 * @typedef {object} Absent
 * @property {string} key tells it from others
 * @property {'float32' | 'float64'} dtype in which numbers with NaN among them are held
 * @property {(MissingRule | null)[]} channels one a channel, or one for all
 */

/**
 * @typedef {object} Channel
 * @property {string} id
 * @property {string} label
 * @property {string} [type] as BIDS calls it
 * @property {true} [bad] known to be bad
 * @property {string} [unit]
 * @property {number} [scale]
 * @property {number} [offset]
 * @property {string} [group]
 * @property {number[]} [typical] stored values that 1 %, 50 % and 99 % of the samples lie below
 * @property {number} [x]
 * @property {number} [y]
 * @property {number} [sample_shift] how much later than the first of its converter it was digitized, samples
 * @property {string} [best_channel] of events: id, else label, of the channel of samples on whose trace they are
 */

/**
 * @typedef {object} Segment
 * @property {number} start_time
 * @property {number} end_time
 * @property {number} num_samples
 * @property {number | null} min_value
 * @property {number | null} max_value
 * @property {string} [timestamps_uri]
 * @property {string} [timestamps_dtype]
 * @property {string} [values_uri]
 * @property {string} [values_dtype]
 */

/**
 * A series manifest as parsed from JSON (docs/format.md), checked by source/manifests.js.
 * @typedef {object} SeriesManifest
 * @property {'continuous' | 'discrete' | 'event' | 'interval'} type
 * @property {string} dtype
 * @property {string} numbersDtype in which samples are held here: a float's where some are missing, which are NaN
 * @property {Absent | null} absent
 * @property {string} label
 * @property {string} unit
 * @property {number} scale
 * @property {number} offset
 * @property {Channel[]} channels
 * @property {Segment[]} segments
 * @property {number | null} sampling_frequency null: irregular
 * @property {string[]} notes what to know of how its source was read, a line each
 * @property {string | null} session_start ISO 8601; without a zone: as it was recorded
 * @property {(ArrayInfo & {linked?: undefined}) | {linked: string[], isComputed?: true} | null} values raw samples; `linked`: the files
 *   that hold them, which a backend reads
 * @property {ArrayInfo | null} timestamps
 * @property {(ArrayInfo & {factor: number, times?: ArrayInfo})[]} levels
 * @property {(ArrayInfo & {factor: number})[]} moments
 * @property {(ArrayInfo & {bin_seconds: number, start_time: number})[]} counts
 * @property {boolean} [hasMeans] columns are means of their samples, not the range of them
 * @property {number[]} [frequencies] in Hz, of a spectrogram's channels
 * @property {string} [from] URI of the series that it was made of
 * @property {import('./steps/parse.js').StepDocument[]} [steps] by which it was
 * @property {'building' | 'following'} [state] it is being built, or still written: its levels have no pages, and windows
 *   may be cut where they end
 * @property {Preview} [preview] while it is being built
 * @property {{times: ArrayInfo, channels: ArrayInfo}} [events]
 * @property {{times: ArrayInfo, label_indices: ArrayInfo, labels: string[]}} [intervals]
 */

/**
 * What a few samples of equal stretches of a series are like, stored values: to be seen, and never to be told as numbers.
 * @typedef {object} Preview
 * @property {number} samples of each stretch, counted over all segments
 * @property {Numbers} rows (stretches, 2, channels) lowest and highest; lowest above highest, or NaN: not known
 */

/** @typedef {Pick<SeriesManifest, 'segments' | 'levels' | 'state'>} Growth what changes of a series that is still written */

/**
 * How far a build is, whose figure is shown already.
 * @typedef {object} BuildStatus
 * @property {'following' | 'building' | 'failed'} state
 * @property {string} text what is being done
 * @property {string | null} error why it ended
 * @property {number | null} secondsLeft null: not known
 * @property {number | null} quietSeconds since it was heard of, where that is long
 * @property {string[]} problems of files that were followed, and are no more, in words
 * @property {number | null} behindSeconds of a recording that is followed which were not read yet; null: none is
 * @property {{uri: string, until: number, done: number}[]} reached by each series that is being built: its own time up to
 *   which it is, seconds, and the part of it
 */

/**
 * @typedef {object} Panel a panel of a view, its series resolved
 * @property {string} key unique in the view, stable: its index as text
 * @property {string} type its name (panels/)
 * @property {string} label
 * @property {string | null} seriesUri null: the series is missing
 * @property {string} [error] why it is missing, or cannot be shown in such a panel
 * @property {Record<string, unknown>} [data] as in the manifest: what its type needs beside a series
 * @property {string[]} [over] URIs of the series of events that are drawn over it
 * @property {string[]} [overNotes] why others are not
 * @property {PanelTraits} traits
 */

/**
 * What the page lays out and offers for a panel: its type's, for its series.
 * @typedef {object} PanelTraits
 * @property {number} weight the part of the room that it asks for, compared with others'
 * @property {'depth' | 'stored' | 'type'} order of its channels where none are chosen: by group and depth, as stored, by type
 * @property {number} [least] CSS pixels of its picture, where there is no room for all; 72 where left out
 * @property {number} [most] CSS pixels of its picture, where there is room for more
 * @property {string} [longest] of the names that stand beside its lanes
 * @property {number} [perScreen] of more channels so many fill the window
 * @property {boolean} [replacesBands] its series has no bands beside it
 * @property {boolean} [hasLines] its events are lines across all panels
 * @property {boolean} hasGain
 * @property {boolean} hasChannels that can be chosen
 * @property {boolean} hasOffsets each channel can be moved
 * @property {boolean} hasSteps its samples can be filtered
 * @property {PanelChoice[]} choices settings that only its type has
 * @property {number} [pathChannels] how many channels a path beside its picture takes, which the setting `path` leaves out;
 *   left out: there is none
 */

/**
 * A setting of a type of panel, as its menu offers it: a box to check where there is one value, else one of several.
 * @typedef {object} PanelChoice
 * @property {string} key in PanelSettings
 * @property {string} text
 * @property {string} [title]
 * @property {(string | boolean)[]} values that are not the default, which is not held: true or false alone, or texts
 */

/**
 * What is shown: made from the figure's data by source/figure.js.
 * @typedef {object} Figure
 * @property {string} label
 * @property {string | null} workspaceUri
 * @property {{label: string, panels: Panel[], page?: number, times?: 'seconds' | 'clock' | 'wall'}[]} views at least one; page: seconds that are shown at first; times: how they are written then
 * @property {Record<string, SeriesManifest>} series by URI: those of all panels and all interval series
 * @property {string[]} intervalSeries URIs: bands across all panels
 * @property {Record<string, string>} seriesNames by URI: the name in the workspace, or the label
 */

/** @typedef {Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array} Numbers */

/**
 * @typedef {object} WindowRequest
 * @property {number} segment
 * @property {number} firstSample
 * @property {number} samplesPerColumn
 * @property {number} columns
 * @property {string[] | null} channels ids, in the order of the result; null: all
 */

/**
 * @typedef {object} SampleWindow what was asked for, cut at the segment's end; C-order arrays
 * @property {number} firstSample
 * @property {number} samplesPerColumn
 * @property {number} columns
 * @property {number} factor of the level used, 1: samples
 * @property {Numbers | null} envelope (columns, 2, channels), stored values; null with samplesPerColumn 1
 * @property {Numbers | null} values (columns + 1, channels) with samplesPerColumn 1
 */

/**
 * @typedef {object} Points what lies in start_time <= time <= end_time, in the series' own times
 * @property {Float64Array} [times] (n,) where they fit
 * @property {Numbers} [values] (n, channels) of samples
 * @property {Uint32Array} [channels] (n,) of events: indices into the manifest's channels
 * @property {Float64Array} [edges] (bins + 1,) where they do not fit
 * @property {Numbers} [counts] (bins,) of samples, (bins, channels) of events
 * @property {Numbers} [envelope] (bins, 2, channels)
 * @property {boolean} [approximate] edges were rounded to whole stored bins
 */

/**
 * @typedef {object} Statistics arrays (channels,), stored values; null where there are none
 * @property {number[]} count
 * @property {(number | null)[]} mean
 * @property {(number | null)[]} rms
 * @property {(number | null)[]} std
 * @property {(number | null)[]} min
 * @property {(number | null)[]} max
 * @property {{firstSample: number, lastSample: number}} [covered] without raw samples: the whole bins that were taken instead
 */

/**
 * Where data come from. Three kinds: tasks, a parent's files, static files. Lives in the worker.
 * Every promise rejects with a SourceError whose message is for the user, or with the reason of the signal that gave it up.
 * @typedef {object} Source
 * @property {'tasks' | 'parent-files' | 'static-files'} kind
 * @property {(uri: string) => Promise<any>} readJson a stored JSON document, checked
 * @property {(uri: string) => Promise<SeriesManifest>} getSeries
 * @property {(uri: string, request: WindowRequest, signal?: AbortSignal) => Promise<SampleWindow>} getWindow
 * @property {(uri: string, startTime: number, endTime: number, maxPoints: number, signal?: AbortSignal) => Promise<Points>} getPoints
 * @property {(uri: string, segment: number, firstSample: number, lastSample: number, channels: string[] | null) => Promise<Statistics>} getStatistics
 * @property {(uri: string, segment: number, sample: number, channels: string[]) => Promise<bigint[]>} [getExact] one sample of
 *   64-bit integers, of which doubles do not hold all
 * @property {(array: ArrayInfo, firstRow: number, lastRow: number, signal?: AbortSignal) => Promise<Numbers>} readRows rows [firstRow, lastRow) of a stored array
 * @property {(uri: string) => number} finestSamplesPerColumn of a series that getSeries gave: 1 where samples can be read, else its base
 * @property {(uri: string, factor: number, firstRow: number, lastRow: number) => Promise<Numbers>} [readLevelRows] rows (bins, 2, channels) of
 *   a level, all segments' bins in a row (source/series.js, levelRows): one call for very many segments
 * @property {(manifest: any) => string} [adoptSeries] takes a series manifest that came without a URI, and gives it one
 * @property {string | null} [workspaceUri] of the workspace that the figure's data are, where it is known
 * @property {string} [figureUri] of the figure's data, where it is known
 * @property {(uri: string, channels: string[] | null) => number} [mostSamples] of a stretch that are computed for somebody
 * @property {(uri: string) => string | null} [outOfReach] why raw samples of a series cannot be reached, in words; null while they
 *   can, for all that is known
 * @property {(uri: string) => ((signal?: AbortSignal) => Promise<void>) | undefined} [measure] finds what is typical of the channels
 *   of a series that is made here, and notes it in the manifest
 * @property {(uri: string) => Promise<boolean>} [seekSamples] asks for them again; whether they can be reached
 * @property {() => void} [retry] forget faults, look for a backend now
 */

/**
 * How the worker reaches whatever is outside; static files are fetched by the worker itself. What a signal gives up is ended
 * where whoever is outside can end it, else it goes on, and so does the waiting: there is never more under way than is asked for.
 * @typedef {object} Outside
 * @property {(uri: string) => Promise<any>} getFileJson through a figurl parent: parsed, arrays perhaps decoded
 * @property {(uri: string, startByte?: number, endByte?: number, signal?: AbortSignal) => Promise<ArrayBuffer>} getFileBytes through a figurl parent (generation N)
 * @property {(functionId: string, functionType: 'pure-calculation' | 'query', kwargs: object, signal?: AbortSignal) => Promise<any>} runTask through a parent of generation K
 */

/**
 * How the view was started; plain data, sent to the worker as it is.
 * @typedef {object} Start
 * @property {'parent' | 'static'} mode
 * @property {any} figureData parsed JSON: a figure {type, data}, a workspace manifest or a series manifest
 * @property {string} base static: address of the folder that holds sha1/aa/bb/cc/HASH, with a final slash; else ''
 * @property {boolean} hasTasks the parent runs tasks
 * @property {boolean} hasByteRanges the parent reads byte ranges
 * @property {string} [workspaceUri] static: of the workspace that figureData is
 * @property {string} [figureUri] node: of figureData
 * @property {{address: string, channel: string}} [windows] node: where it answers windows itself, on this kachery channel
 * @property {string} [live] node: address of a build whose figure is to be shown, as far as it is
 * @property {import('./drawing/spreads.js').Held} [held] scales that stay, of what was being built
 * @property {boolean} leavesArraysEncoded the parent is the node's own page: ndarrays come as {_type, shape, dtype, data_b64},
 *   and requests can be given up
 */

/**
 * How one panel draws. Whatever is left out has its default; a link holds what is set.
 * @typedef {object} CommonSettings
 * @property {string[]} [channels] ids to show, in this order; left out: all, by group, then from the highest y down to the
 *   probe's tip, then as stored
 * @property {number} [gain] 1: the automatic scale
 * @property {Record<string, number>} [offsets] by channel id: added to the values, physical units
 * @property {number} [height] CSS pixels
 * @property {boolean} [hidden]
 * @property {import('./steps/parse.js').StepDocument[]} [steps] what is done to the samples before they are drawn
 * @property {true} [isRaw] the steps are left out for now
 * @property {true} [withRaw] raw samples are drawn, paler, below those after the steps
 * @property {true} [beside] a panel of the raw samples stands below this one
 * @property {Record<string, string[]>} [over] by place among the series over it: ids of those channels that are drawn; all
 *   of a series that is left out
 */
/** @typedef {CommonSettings & Record<string, unknown>} PanelSettings more are the type's own (PanelChoice) */

/**
 * @typedef {object} PanelRequest
 * @property {string} key
 * @property {string} type
 * @property {string} seriesUri
 * @property {number} height of the picture, device pixels (its width is frame.columns)
 * @property {number} pixelRatio device pixels a CSS pixel
 * @property {PanelSettings} settings
 * @property {Record<string, unknown>} [data] of the panel
 * @property {boolean} [isPale] raw samples stand in for filtered ones
 * @property {string[]} [over] URIs of the series of events that are drawn over it
 * @property {number} [pathSide] device pixels of the square for a path; left out: none
 */

/**
 * How values become rows of one lane: row = Math.round(center - (physical + offset - baseline) * pixelsPerUnit), where
 * physical = stored * scale + offset of the manifest, in float64. Rows outside the picture are clipped.
 * @typedef {object} Lane
 * @property {string} id channel id (or '' for a lane that is no channel)
 * @property {string} label
 * @property {string} unit
 * @property {number} top first row of the lane, device pixels
 * @property {number} bottom row after its last
 * @property {number} center row of the baseline, device pixels
 * @property {number} baseline physical units
 * @property {number} pixelsPerUnit device pixels a physical unit; 0 in images
 * @property {number} offset the user's, physical units
 * @property {string} color CSS colour of its trace
 * @property {{unit: string, factor: number}} [shownUnit] in which its values are shown, and what values in `unit` are
 *   multiplied with
 * @property {string} [group] of its channel
 * @property {number} [y] where its channel is, micrometres upwards from the probe's tip
 * @property {boolean} [isNamed] it goes by its label, also where there is no room for all labels and it has a depth
 */

/**
 * @typedef {object} Painted a picture of one panel
 * @property {number} number of the paint order that it answers
 * @property {string} key
 * @property {Frame} frame
 * @property {number} width
 * @property {number} height
 * @property {ArrayBuffer} pixels RGBA, width * height * 4 bytes; transparent where nothing is drawn
 * @property {{above: [number, number][], below: [number, number][]}} cut runs of columns [from, to) of the picture in which
 *   something drawn lies above or below it
 * @property {{side: number, pixels: ArrayBuffer} | null} path RGBA, side * side * 4 bytes: of a position in the plane
 * @property {[number, number][]} unbuilt runs of columns [from, to) of which nothing is built yet
 * @property {Line[]} lines of events over the whole height, from left to right
 * @property {boolean} isComplete every column is exact, or not built yet; else coarser data stand in, and another picture follows
 * @property {Lane[]} lanes
 * @property {{unit: string, low: number, high: number, isLinear: true} | null} valueAxis of panels with one value axis
 * @property {{why: string, line: string} | null} raw why raw samples stand in for filtered ones, and what in config.yaml changes
 *   that; null: they do not
 * @property {string[]} notes for the user, e.g. that columns are rounded to whole bins, or where zoom ends and why
 * @property {boolean} hasOtherScales it has those that its series had while it was built, and its own ones are others
 * @property {string | null} error in words; null: none
 */

/** @typedef {{x: number, label: string, color: string}} Line x: column of the picture */

/**
 * An event that is under the cursor.
 * @typedef {object} EventUnder
 * @property {string} uri of its series
 * @property {string} id of its channel
 * @property {string} label
 */

/**
 * How exact stored values are: integers are steps apart and begin at the offset, physical units; floating-point numbers
 * have digits that count.
 * @typedef {{step: number, offset: number} | {digits: number}} Precision
 */

/**
 * Values under the cursor.
 * @typedef {object} ReadOut
 * @property {number} time view time of the sample or the column's beginning, seconds
 * @property {'sample' | 'range'} kind
 * @property {true} [isRaw] of raw samples that stand in for filtered ones
 * @property {{id: string, label: string, unit: string, low: number | null, high: number | null, exact?: string}[]} values
 *   physical; low = high for a sample; exact: its digits, where a double does not hold it
 * @property {EventUnder[]} [events] that lie over the traces there, one of each unit
 */

/**
 * Main thread to worker. `ask` is answered by `answer` or `failed` of the same id. `view` is an index into Figure.views,
 * 0 where it is left out; questions are about the view that was painted last (0 before the first picture).
 * @typedef {{type: 'start', start: Start}
 *   | {type: 'paint', number: number, frame: Frame, panels: PanelRequest[], isDark: boolean, view?: number}
 *   | {type: 'retry'}
 *   | {type: 'ask', id: number, ask: Ask}
 *   | {type: 'response', id: number, value?: any, error?: string, facts?: import('./source/errors.js').Facts}} ToWorker
 */

/**
 * Questions to the worker.
 * @typedef {{name: 'readOut', key: string, column: number, row: number}
 *   | {name: 'overview', columns: number}
 *   | {name: 'useOwnScales'}
 *   | {name: 'intervals', uri: string}
 *   | {name: 'findNext', what: 'event' | 'gap' | 'interval' | 'interval end', time: number, direction: 1 | -1, seriesUri: string | null, of?: string}
 *   | {name: 'eventCounts', uri: string}
 *   | {name: 'statistics', seriesUri: string, startTime: number, endTime: number, channels: string[] | null, steps?: unknown}
 *   | {name: 'spectrum', seriesUri: string, startTime: number, endTime: number, channels: string[] | null, steps?: unknown}
 *   | {name: 'samples', seriesUri: string, startTime: number, endTime: number, channels: string[] | null, maxValues: number, steps?: unknown}} Ask
 */

/**
 * Answers: readOut: ReadOut | null. overview: Overview. useOwnScales: nothing; series that still have the scales of when they
 * were built get their own. intervals: {start, end, label}[] in view time.
 * findNext: view time or null; `of`: the id of the channel of events that is meant, or the label of intervals. eventCounts:
 * number[], events of each channel. statistics: StatisticsRow[]. samples: {times: Float64Array (view time), values: Float64Array
 * (n, channels) physical, channels: Channel[]}, rejected where there are more than maxValues or no raw samples.
 * spectrum: Spectrum, rejected where there is none, or too much is selected.
 * @typedef {object} Overview
 * @property {number} columns
 * @property {number} firstTime
 * @property {number} endTime
 * @property {string[]} channels ids, top to bottom
 * @property {Float32Array} rms (channels, columns), physical; NaN where there is nothing
 * @property {{start: number, end: number}[]} gaps in view time, at most 1000, the longest
 */

/**
 * @typedef {object} Spectrum power densities of a selected span
 * @property {Float64Array} frequencies in Hz, evenly from 0 on
 * @property {Float64Array} density (channels, frequencies), physical unit squared a Hz; NaN where no window is whole
 * @property {Channel[]} channels
 * @property {number[]} windows of each channel, over which was averaged
 * @property {number} seconds of a window
 */

/**
 * @typedef {object} StatisticsRow
 * @property {string} id
 * @property {string} label
 * @property {string} unit
 * @property {number} count
 * @property {number | null} mean
 * @property {number | null} rms
 * @property {number | null} std
 * @property {number | null} min
 * @property {number | null} max
 * @property {boolean} [isRounded] without raw samples: of the whole stored bins nearest to the span
 */

/**
 * Worker to main thread.
 * @typedef {{type: 'opened', figure: Figure, timelines: Timeline[]}
 *   | {type: 'unopened', message: string}
 *   | {type: 'building', status: BuildStatus}
 *   | {type: 'preview', uri: string, preview: Preview}
 *   | {type: 'grown', series: Record<string, Growth>, timelines: Timeline[]}
 *   | {type: 'built', workspaceUri: string, held?: import('./drawing/spreads.js').Held}
 *   | {type: 'painted', painted: Painted}
 *   | {type: 'loading', waiting: number}
 *   | {type: 'answer', id: number, answer: any}
 *   | {type: 'failed', id: number, message: string}
 *   | {type: 'giveUp', id: number}
 *   | {type: 'request', id: number, request: {kind: 'json', uri: string}
 *       | {kind: 'bytes', uri: string, startByte?: number, endByte?: number}
 *       | {kind: 'task', functionId: string, functionType: 'pure-calculation' | 'query', kwargs: object}}} FromWorker
 */

/**
 * What a link holds: everything that decides the picture. JSON; unknown keys are ignored, wrong values fall back to defaults.
 * @typedef {object} ViewState
 * @property {number} view index into Figure.views
 * @property {number} samplesPerColumn
 * @property {number} columnsPerSample
 * @property {number} leftColumn
 * @property {number} columns of the sender's canvas
 * @property {Record<string, PanelSettings>} panels by panel key; only what was changed
 * @property {'seconds' | 'clock' | 'wall'} [time] how times are written
 * @property {{start: number, end: number}} [selection] view time, seconds
 */

export {};
