/** @file What the parts of the application rely on. Types alone, no code. */

/** @typedef {import('../types.js').Ask} Ask */
/** @typedef {import('../types.js').Figure} Figure */
/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').Start} Start */
/** @typedef {import('../types.js').Timeline} Timeline */
/** @typedef {import('../types.js').ViewState} ViewState */
/** @typedef {import('./keys.js').Key} Key */
/** @typedef {import('./panel_host.js').PanelHost} PanelHost */
/** @typedef {{start: number, end: number}} Range view times, seconds */
/**
 * What connect/start.js gives.
 * @typedef {object} Connection
 * @property {Start} start
 * @property {any} state what the link holds, or null
 * @property {import('../types.js').Outside} outside
 * @property {(state: any, how: 'push' | 'replace') => void} setState
 * @property {(callback: (state: any) => void) => void} onState
 * @property {(uri: string) => void} [replaceFigure] have the link lead to this from now on
 * @property {() => string | null} linkNote
 * @property {() => string} link
 * @property {(callback: () => void) => void} [onBackend] called when a backend that was missing is there again
 */
/**
 * Where the pointer is; null where it is over no panel.
 * @typedef {{host: PanelHost, x: number, y: number, column: number, time: number} | null} Pointed x, y: device pixels in
 *   the panel's canvas; column: absolute; time: view time of the column's left edge, seconds
 */
/**
 * What the tools (and the app's own parts) work with. The app draws the panels, bands, the cursor's line and the selected
 * span; tools add buttons, keys, dialogs and read-outs, and may draw on the panels' overlays.
 * @typedef {object} App
 * @property {HTMLElement} element the whole application
 * @property {HTMLElement} toolbar to add buttons to (elements.js: iconButton)
 * @property {HTMLElement} stack holds the panels; what is placed in it by x has its left edge at 0 of the gutter
 * @property {() => Figure} figure
 * @property {() => Timeline} timeline of the view that is shown
 * @property {() => Frame} frame
 * @property {() => ViewState} state a copy
 * @property {(changes: Partial<ViewState>, how?: 'push' | 'replace') => void} update default push
 * @property {(frame: Frame, isKept?: boolean) => void} moveTo any frame: it is clamped; its columns are the canvas's. Many
 *   calls are one paint. Not kept: the link does not lead there
 * @property {(startTime: number, endTime: number) => void} showRange
 * @property {(ask: Ask) => Promise<any>} ask
 * @property {() => PanelHost[]} panels of the view, hidden ones too
 * @property {() => PanelHost | null} activePanel the focused one, else the one last pointed at, else the first visible
 * @property {(host: PanelHost) => void} activate
 * @property {() => Range | null} selection
 * @property {(range: Range | null) => void} setSelection
 * @property {() => 'pan' | 'zoom' | 'select'} dragMode what dragging over a panel does; shift: zoom, alt: select
 * @property {(mode: 'pan' | 'zoom' | 'select') => void} setDragMode
 * @property {(text: string) => void} announce said by screen readers (aria-live) and shown for a while
 * @property {Connection} connection
 * @property {(name: 'frame' | 'painted' | 'selection' | 'pointer' | 'view' | 'settings' | 'mode', callback: (event: any) => void) => () => void} on
 *   frame: Frame, once an animation frame; painted: PanelHost; selection: Range | null; pointer: Pointed; view: null,
 *   other panels are shown; settings: PanelHost; mode: the drag mode. Returns what ends it
 * @property {(pointed: Pointed) => void} point
 * @property {() => Pointed} pointed
 * @property {(time: number, resolution?: number) => string} timeText a view time as the axis writes it; resolution in
 *   seconds, by default that of a column
 * @property {(...keys: Key[]) => void} addKeys
 * @property {() => Key[]} keys all of them, for the help
 * @property {() => boolean} isDark
 * @property {() => number} pixelRatio device pixels a CSS pixel
 * @property {() => void} redraw everything is drawn again in the next animation frame
 */

export {};
