import type { ScenarioDocument } from '$lib/api/library';
import { slugOf } from './names';

/** Returns a document to begin with: valid, with words that say what belongs where. */
export function template(title: string, profession: string): ScenarioDocument {
	return {
		schema: 'scenario/1',
		slug: slugOf(`${profession}-${title}`) || `${profession}-draft`,
		title,
		profession,
		summary: 'One or two sentences for the catalogue.',
		difficulty: 2,
		setting: 'hospital',
		clinical_focus: 'general',
		criteria: ['relationship', 'giving'],
		indicators: ['A4', 'E4'],
		prepare_seconds: 180,
		play_seconds: 300,
		candidate_card: {
			setting: 'Where and when',
			role: 'You are the …',
			background: 'What the candidate knows.',
			tasks: ['Find out …', 'Explain …', 'Check …']
		},
		interlocutor_card: {
			name: 'Name, age',
			setting: 'Where and when',
			background: 'You …',
			mood: 'How the patient speaks, and what changes that.',
			lines: ['What the patient says in any case.'],
			conditional: [],
			softening: 'How the patient relents near the end.'
		}
	};
}
