import { expect, it, vi } from 'vitest';
import { recording, recordingPending } from '.';
import { call } from './http';
import { Problem } from './problem';

vi.mock('./http');

const refusal = (kind: string) => new Problem(404, 'No.', `urn:bedside:problem:${kind}`);

it('asks for a recording without downloading it', async () => {
	const cancelled = vi.fn();
	const body = new ReadableStream({ cancel: cancelled });
	vi.mocked(call).mockResolvedValueOnce(new Response(body));
	expect(await recordingPending('a/1', 'candidate')).toBe(false);
	expect(call).toHaveBeenLastCalledWith('GET', '/api/attempts/a%2F1/audio/candidate', {});
	expect(cancelled).toHaveBeenCalled();
});

it.each([
	['recording-pending', true],
	['recording-failed', false],
	['no-recording', false]
])('knows from the problem %s whether a recording is to come', async (kind, pending) => {
	vi.mocked(call).mockRejectedValueOnce(refusal(kind));
	expect(await recordingPending('a1', 'patient')).toBe(pending);
});

it('does not take another failure for an answer', async () => {
	vi.mocked(call).mockRejectedValueOnce(new Problem(503, 'Away.'));
	await expect(recordingPending('a1', 'patient')).rejects.toMatchObject({ status: 503 });
});

it('asks for the address of a recording instead of its content', async () => {
	const signed = { url: '/api/recordings/a1/patient?signature=x', expires_at: '' };
	vi.mocked(call).mockResolvedValueOnce(Response.json(signed));
	expect(await recording('a1', 'patient')).toBe(signed.url);
	expect(call).toHaveBeenLastCalledWith('POST', '/api/attempts/a1/audio/patient/url', {});
});
