import { describe, expect, it } from 'vitest';
import { SentCounts } from './sent';

const sent = (ssrc: number, packets: number) => ({ type: 'sent' as const, ssrc, packets });

/** A storage that, like a browser's, has its keys as properties. */
function storage(content: Record<string, string> = {}): Storage {
	return Object.create(
		{
			getItem(key: string) {
				return (this as unknown as Record<string, string>)[key] ?? null;
			},
			setItem(key: string, value: string) {
				(this as unknown as Record<string, string>)[key] = value;
			},
			removeItem(key: string) {
				Reflect.deleteProperty(this, key);
			}
		},
		Object.getOwnPropertyDescriptors(content)
	) as Storage;
}

describe('counts of what was sent', () => {
	it('are told once, and again when they rise', () => {
		const counts = new SentCounts();
		counts.note([sent(1, 10), sent(2, 5)]);
		expect(counts.take()).toEqual([sent(1, 10), sent(2, 5)]);
		counts.note([sent(1, 9), sent(2, 6)]);
		expect(counts.take()).toEqual([sent(2, 6)]);
		expect(counts.take()).toEqual([]);
		counts.repeat();
		expect(counts.take()).toEqual([sent(1, 10), sent(2, 6)]);
	});

	it('outlive the page, for the same attempt only', () => {
		const tab = storage();
		new SentCounts('a', tab).note([sent(1, 10)]);
		const again = new SentCounts('a', tab);
		again.note([sent(2, 3)]);
		expect(again.take()).toEqual([sent(1, 10), sent(2, 3)]);
		expect(new SentCounts('b', tab).take()).toEqual([]);
		expect(new SentCounts('a', tab).take()).toEqual([]);
	});

	it('are bounded, and the newest stay', () => {
		const tab = storage();
		const counts = new SentCounts('a', tab);
		for (let ssrc = 1; ssrc <= 30; ssrc++) counts.note([sent(ssrc, 1)]);
		expect(counts.take().map((s) => s.ssrc)).toEqual(
			Array.from({ length: 20 }, (_, i) => i + 11)
		);
		expect(new SentCounts('a', tab).take()).toHaveLength(20);
	});

	it('begin anew when the storage holds something else', () => {
		for (const text of ['{', '{}', '[1]', '[["1",2]]', '[[1,2,3]]', '[[1,null]]'])
			expect(new SentCounts('a', storage({ 'bedside.sent.a': text })).take()).toEqual([]);
	});

	it('are kept in memory when the browser keeps nothing', () => {
		const full = storage();
		full.setItem = () => {
			throw new Error('QuotaExceededError');
		};
		const counts = new SentCounts('a', full);
		counts.note([sent(1, 10)]);
		expect(counts.take()).toEqual([sent(1, 10)]);
	});
});
