import type { Attempt } from '$lib/api/types';
import { expect, it } from 'vitest';
import { deletable, playedFor, standing } from './standing';

const attempt = (state: Attempt['state'], more: Partial<Attempt> = {}) =>
	({ id: 'a', part: 'candidate', state, ...more }) as Attempt;

it('leads to the room while it is open, then to the report', () => {
	expect(standing(attempt('playing', { part: 'patient' })).href).toBe(
		'/green-room?room=a&as=patient'
	);
	expect(standing(attempt('reported')).href).toBe('/attempts/a');
	expect(standing(attempt('abandoned')).href).toBeUndefined();
});

it('leads a candidate from an open role play of a mock exam to the exam', () => {
	const exam_id = 'e';
	expect(standing(attempt('created', { exam_id })).href).toBe('/exams/e');
	expect(standing(attempt('abandoned', { exam_id })).href).toBe('/exams/e');
	expect(standing(attempt('reported', { exam_id })).href).toBe('/attempts/a');
	expect(standing(attempt('playing', { exam_id, part: 'patient' })).href).toBe(
		'/green-room?room=a&as=patient'
	);
});

it('offers to delete only own attempts whose room has closed', () => {
	const states = ['created', 'preparing', 'playing', 'analysing'] as const;
	expect(states.map((state) => deletable(attempt(state)))).toEqual([false, false, false, false]);
	expect(deletable(attempt('reported'))).toBe(true);
	expect(deletable(attempt('reported', { part: 'patient' }))).toBe(false);
});

it('says how long an attempt was played', () => {
	const started_at = '2026-05-02T09:04:00Z';
	expect(playedFor(attempt('playing', { started_at }))).toBe(0);
	expect(playedFor(attempt('reported', { started_at, ended_at: '2026-05-02T09:08:30Z' }))).toBe(
		270
	);
});
