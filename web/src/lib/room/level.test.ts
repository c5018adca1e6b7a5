import { describe, expect, it } from 'vitest';
import { measure, MicrophoneJudge, MutedTalkDetector, SILENCE_DB } from './level';

/** Four seconds of levels: speech at one level in most of it, pauses at another. */
function hear(judge: MicrophoneJudge, speech: number, pause: number, peak = speech + 12) {
	for (let i = 0; i < 100; i++) {
		const talking = i % 10 < 6;
		judge.add({ rms: talking ? speech : pause, peak: talking ? peak : pause + 5 }, i * 40);
	}
	return judge.verdict();
}

describe('levels', () => {
	it('are in dB re full scale', () => {
		expect(measure(new Float32Array([1, -1, 1, -1]))).toEqual({ rms: 0, peak: 0 });
		expect(measure(new Float32Array([0.5, -0.5])).rms).toBeCloseTo(-6.02, 2);
		expect(measure(new Float32Array(4))).toEqual({ rms: SILENCE_DB, peak: SILENCE_DB });
	});
});

describe('the verdict', () => {
	it.each([
		['good', -22, -65, -8],
		['quiet', -42, -75, -30],
		['clipping', -12, -60, 0],
		['noisy', -25, -36, -10],
		['waiting', -80, -80, -75]
	] as const)('%s', (verdict, speech, pause, peak) => {
		expect(hear(new MicrophoneJudge(), speech, pause, peak)).toBe(verdict);
	});

	it('is noisy for steady noise without speech', () => {
		expect(hear(new MicrophoneJudge(), -30, -30)).toBe('noisy');
	});

	it('ignores old levels', () => {
		const judge = new MicrophoneJudge();
		hear(judge, -12, -60, 0);
		for (let i = 0; i < 200; i++)
			judge.add({ rms: i % 10 < 6 ? -22 : -65, peak: -10 }, 4_000 + i * 40);
		expect(judge.verdict()).toBe('good');
	});

	it('waits for enough levels', () => {
		const judge = new MicrophoneJudge();
		judge.add({ rms: -20, peak: -5 }, 0);
		expect(judge.verdict()).toBe('waiting');
	});
});

describe('talking while muted', () => {
	it('is noticed after a second, and a cough is not', () => {
		const talk = new MutedTalkDetector();
		const heard = Array.from({ length: 40 }, (_, i) =>
			talk.add({ rms: -25, peak: -10 }, i * 40)
		);
		expect(heard[10]).toBe(false);
		expect(heard.at(-1)).toBe(true);
		talk.reset();
		const cough = Array.from({ length: 40 }, (_, i) =>
			talk.add({ rms: i > 10 && i < 18 ? -20 : -70, peak: -10 }, i * 40)
		);
		expect(cough.includes(true)).toBe(false);
	});
});
