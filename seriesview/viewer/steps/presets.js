/**
 * @file Steps that kinds of recordings are looked at with. Python (presets.py) reads the same table: what stands between the
 * brackets is JSON.
 *
 * `types`: of one of them the recording must have a channel ('' is none); `rate`: the least, Hz; `also`: of one of these it must
 * have a channel, too; `rows`: so many rows of the montage must be there. A step with `when` is taken where that is known:
 * "shift" of the converters, "groups", "no groups", the frequency of the "mains", which then stands in place of its value.
 * Of a montage those rows are taken whose channels are there; those that are bipolar already, or no EEG, stay as they are.
 */

/**
 * @typedef {object} Preset
 * @property {string} label
 * @property {string} about
 * @property {string[]} types
 * @property {number} rate
 * @property {string[]} [also]
 * @property {number} [rows]
 * @property {Record<string, any>[]} steps
 */

// prettier-ignore
/** @type {Record<string, Preset>} */
export const PRESETS = {
  "spikes": {
    "label": "Spikes",
    "about": "300 to 6000 Hz, then the median of each shank",
    "types": ["", "AP"],
    "rate": 12001,
    "steps": [
      { "phase_shift": true, "when": "shift" },
      { "bandpass": [300, 6000] },
      { "reference": "median", "within": "group", "when": "groups" },
      { "reference": "median", "when": "no groups" }
    ]
  },
  "lfp": {
    "label": "LFP",
    "about": "1 to 300 Hz",
    "types": ["", "AP", "LFP", "SEEG", "ECOG", "DBS", "IEEG"],
    "rate": 601,
    "steps": [{ "notch": "mains", "when": "mains" }, { "bandpass": [1, 300] }]
  },
  "eeg": {
    "label": "EEG, average",
    "about": "EEG 0.5 to 70 Hz, against the mean of its channels",
    "types": ["EEG"],
    "rate": 141,
    "steps": [
      { "notch": "mains", "types": ["EEG"], "when": "mains" },
      { "bandpass": [0.5, 70], "types": ["EEG"] },
      { "reference": "mean", "types": ["EEG"] }
    ]
  },
  "banana": {
    "label": "EEG, double banana",
    "about": "EEG 0.5 to 70 Hz, each electrode against the next one behind",
    "types": ["EEG"],
    "rate": 141,
    "rows": 6,
    "steps": [
      { "notch": "mains", "types": ["EEG"], "when": "mains" },
      { "bandpass": [0.5, 70], "types": ["EEG"] },
      {
        "montage": [
          ["Fp1", "F7"], ["F7", "T7"], ["T7", "P7"], ["P7", "O1"], ["Fp1", "F3"], ["F3", "C3"], ["C3", "P3"], ["P3", "O1"],
          ["Fz", "Cz"], ["Cz", "Pz"], ["Fp2", "F4"], ["F4", "C4"], ["C4", "P4"], ["P4", "O2"], ["Fp2", "F8"], ["F8", "T8"],
          ["T8", "P8"], ["P8", "O2"]
        ],
        "types": ["EEG"]
      }
    ]
  },
  "sleep": {
    "label": "Sleep",
    "about": "EEG and EOG 0.3 to 35 Hz against the mastoids, EMG 10 to 100, ECG 0.3 to 70, respiration 0.1 to 15 Hz",
    "types": ["EEG"],
    "rate": 71,
    "also": ["EOG", "EMG"],
    "steps": [
      { "notch": "mains", "types": ["EEG", "EOG", "EMG", "ECG"], "when": "mains" },
      { "bandpass": [0.3, 35], "types": ["EEG", "EOG"] },
      { "bandpass": [10, 100], "types": ["EMG"] },
      { "bandpass": [0.3, 70], "types": ["ECG"] },
      { "bandpass": [0.1, 15], "types": ["RESP"] },
      {
        "montage": [["F4", "M1"], ["C4", "M1"], ["O2", "M1"], ["E1", "M2"], ["E2", "M2"]],
        "types": ["EEG", "EOG"]
      }
    ]
  }
};
