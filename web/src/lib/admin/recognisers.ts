const NAMES: Record<string, string> = {
	api: 'The transcription API',
	'sherpa-onnx': 'sherpa-onnx with its installed model',
	browser: "The candidate's browser",
	pocketsphinx: 'pocketsphinx, which is built in,'
};

/** What a recogniser is called at the beginning of a sentence. */
export const recogniserName = (name: string): string => NAMES[name] ?? name;
