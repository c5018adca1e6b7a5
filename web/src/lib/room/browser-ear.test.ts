import { describe, expect, it } from 'vitest';
import { BrowserEar, timed, type Recognition } from './browser-ear';
import type { HeardWord } from '$lib/gen/protocol';

describe('what the browser hears', () => {
	it('gets times by the length of the words', () => {
		expect(timed(' how  are you ', 1000, 1900, 0.8)).toEqual([
			{ text: 'how', from_ms: 1000, to_ms: 1300, confidence: 0.8 },
			{ text: 'are', from_ms: 1300, to_ms: 1600, confidence: 0.8 },
			{ text: 'you', from_ms: 1600, to_ms: 1900, confidence: 0.8 }
		]);
	});

	it('stays within the limits of a message', () => {
		expect(timed(`${'x'.repeat(200)} a`, 0, 1, 0).map((w) => w.text)).toEqual(['a']);
		expect(timed('a '.repeat(300), 0, 1, 0)).toHaveLength(100);
		expect(timed('   ', 0, 1, 0)).toEqual([]);
	});

	function ear() {
		const made: Recognition[] = [];
		const said: { words: HeardWord[]; final: boolean }[] = [];
		let now = 0;
		class Fake {
			started = 0;
			start() {
				this.started++;
			}
			abort() {
				(this as unknown as Recognition).onend?.();
			}
			constructor() {
				made.push(this as unknown as Recognition);
			}
		}
		const it = new BrowserEar(
			() => now,
			(words, final) => said.push({ words, final }),
			Fake as unknown as new () => Recognition
		);
		const result = (transcript: string, isFinal: boolean) =>
			made.at(-1)?.onresult?.({
				resultIndex: 0,
				results: [Object.assign([{ transcript, confidence: 0.9 }], { isFinal })]
			});
		return { it, made, said, result, at: (ms: number) => (now = ms) };
	}

	it('is told with the time since the speech began', () => {
		const { it, made, said, result, at } = ear();
		it.start();
		at(2000);
		made[0]?.onspeechstart?.();
		at(2500);
		result('hello', false);
		at(3000);
		result('hello there', true);
		expect(said.map((s) => s.final)).toEqual([false, true]);
		expect(said[1]?.words[0]).toMatchObject({ text: 'hello', from_ms: 2000 });
		expect(said[1]?.words[1]).toMatchObject({ to_ms: 3000 });
	});

	it('goes on after a silence, but not after stop() or without permission', () => {
		const { it, made } = ear();
		it.start();
		made[0]?.onend?.();
		expect(made).toHaveLength(2);
		made[1]?.onerror?.({ error: 'not-allowed' });
		expect(made).toHaveLength(2);
		it.start();
		it.stop();
		expect(made).toHaveLength(3);
	});

	it('is given up when it ends at once again and again', () => {
		const { it, made } = ear();
		it.start();
		for (let i = 0; i < 100; i++) made.at(-1)?.onend?.();
		expect(made).toHaveLength(21);
	});
});
