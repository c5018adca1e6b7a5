import { expect, test } from 'vitest';
import { withOpusNack } from './sdp';

const lines = (...all: string[]) => all.map((line) => `${line}\r\n`).join('');

const session = lines('v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0');

test('asks for NACK for every Opus payload type, and for nothing else', () => {
	const offer =
		session +
		lines('m=audio 9 UDP/TLS/RTP/SAVPF 111 63 109', 'a=mid:0') +
		lines('a=rtpmap:111 opus/48000/2', 'a=rtcp-fb:111 transport-cc') +
		lines('a=rtpmap:63 red/48000/2', 'a=rtpmap:109 OPUS/48000/2') +
		lines('m=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:1', 'a=rtpmap:96 VP8/90000');
	expect(withOpusNack(offer)).toBe(
		session +
			lines('m=audio 9 UDP/TLS/RTP/SAVPF 111 63 109', 'a=mid:0') +
			lines('a=rtpmap:111 opus/48000/2', 'a=rtcp-fb:111 nack') +
			lines('a=rtcp-fb:111 transport-cc', 'a=rtpmap:63 red/48000/2') +
			lines('a=rtpmap:109 OPUS/48000/2', 'a=rtcp-fb:109 nack') +
			lines('m=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:1', 'a=rtpmap:96 VP8/90000')
	);
});

test('leaves a description alone that asks for it already', () => {
	const answer =
		session +
		lines('m=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=rtpmap:111 opus/48000/2') +
		lines('a=rtcp-fb:111 nack');
	expect(withOpusNack(answer)).toBe(answer);
	expect(withOpusNack('')).toBe('');
});
