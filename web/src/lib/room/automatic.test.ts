import { describe, expect, it, vi } from 'vitest';
import { Automatic, stateWords } from './automatic.svelte';

const caption = (participant_id: string, text: string, final: boolean, cut = false) => ({
	type: 'caption' as const,
	participant_id,
	text,
	final,
	cut
});

describe('captions of the automatic patient', () => {
	const shown = (it: Automatic) =>
		it.lines.map((l) => `${l.participantId}: ${l.text}${l.cut ? ' –' : ''}`);

	it('replace the earlier one of the speaker until that is final', () => {
		const it = new Automatic(() => undefined);
		it.caption(caption('candidate', 'what', false));
		it.caption(caption('candidate', 'what worries you', false));
		it.caption(caption('candidate', 'what worries you', true));
		it.caption(caption('patient', 'My mother was on insulin.', false));
		it.caption(caption('candidate', 'your', false));
		it.caption(caption('patient', 'My mother was on insulin.', true, true));
		expect(shown(it)).toEqual([
			'candidate: what worries you',
			'candidate: your',
			'patient: My mother was on insulin. –'
		]);
	});

	it('disappear when nothing was said after all', () => {
		const it = new Automatic(() => undefined);
		it.caption(caption('patient', 'Well.', false));
		it.caption(caption('patient', '', true, true));
		expect(it.lines).toEqual([]);
	});

	it('are limited in number', () => {
		const it = new Automatic(() => undefined);
		for (let i = 0; i < 100; i++) it.caption(caption('patient', `${i}`, true));
		expect(it.lines).toHaveLength(30);
		expect(it.lines.at(-1)?.text).toBe('99');
	});
});

describe('the automatic patient', () => {
	it('keeps its mood, and forgets its place in the queue', () => {
		const it = new Automatic(() => undefined);
		it.update({ type: 'patient', state: 'queued', place: 2, mood: 'anxious' });
		expect(stateWords(it.state, it.place)).toContain('number 2');
		it.update({ type: 'patient', state: 'listening' });
		expect([it.place, it.mood, it.ready]).toEqual([0, 'anxious', true]);
	});

	it('is told once that the button is held down', () => {
		const talk = vi.fn();
		const it = new Automatic(
			() => ({ talk }) as unknown as ReturnType<ConstructorParameters<typeof Automatic>[0]>
		);
		for (const on of [true, true, false, false]) it.talk(on);
		expect(talk.mock.calls).toEqual([[true], [false]]);
	});
});
