// Package openai recognises speech at an HTTP endpoint that speaks OpenAI's API for transcription
// (POST /v1/audio/transcriptions), as vLLM, speaches, the server of whisper.cpp, LocalAI and
// OpenAI do. It is how an operator attaches a GPU.
//
// The endpoint takes whole recordings. To have words while somebody speaks, a stream sends what
// the utterance is so far, about once a second and again as soon as the speaker falls silent. So
// the words of most utterances are there when the turn ends. Silence is never sent: Whisper makes
// up words for it.
package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"bedside/speech/asr"
	"bedside/speech/endpoint"
)

const (
	maxAnswer   = 1 << 20 // bytes
	maxPrompt   = 800     // bytes: servers cut it at 224 tokens
	maxRequests = 16      // at the same time
)

// Recogniser implements asr.Recogniser. It is safe for concurrent use.
type Recogniser struct {
	cfg     Config
	address string
	client  *http.Client
	slots   chan struct{} // one is taken by each request
}

// New returns a recogniser. It sends nothing until somebody speaks. Without an address
// the error wraps asr.ErrNotSet.
func New(cfg Config) (*Recogniser, error) {
	if cfg.URL == "" {
		return nil, fmt.Errorf("speech.hearing_url: %w", asr.ErrNotSet)
	}
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Recogniser{
		cfg: cfg, address: strings.TrimSuffix(cfg.URL, "/") + "/audio/transcriptions",
		client: endpoint.Client(), slots: make(chan struct{}, maxRequests),
	}, nil
}

// Name implements asr.Recogniser.
func (r *Recogniser) Name() string { return "api" }

// Open implements asr.Recogniser.
func (r *Recogniser) Open(ctx context.Context, c asr.Context) (asr.Stream, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	return &stream{ctx: ctx, cancel: cancel, r: r, prompt: prompt(c)}, nil
}

// prompt returns the words that dictionaries lack and some sentences. Whisper takes a prompt for
// what was said before, and spells accordingly.
func prompt(c asr.Context) string {
	var b strings.Builder
	add := func(text, end string) bool {
		if b.Len()+len(text)+len(end) > maxPrompt {
			return false
		}
		b.WriteString(text + end)
		return true
	}
	for _, word := range slices.Sorted(maps.Keys(c.Say)) {
		if !add(word, ", ") {
			break
		}
	}
	for _, text := range c.Texts {
		if !add(text, ". ") {
			break
		}
	}
	return strings.TrimSpace(b.String())
}

// errLate is the cause of a request that took too long.
var errLate = errors.New("the transcription API is late")

// transcribe sends a recording. It waits for a free slot.
func (r *Recogniser) transcribe(ctx context.Context, wav []byte, prompt string) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.cfg.Timeout, errLate)
	defer cancel()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return answer{}, context.Cause(ctx)
	}
	a, err := r.send(ctx, wav, prompt)
	if err != nil && ctx.Err() != nil {
		return answer{}, context.Cause(ctx)
	}
	return a, err
}

func (r *Recogniser) send(ctx context.Context, wav []byte, prompt string) (a answer, err error) {
	body, contentType, err := r.form(wav, prompt)
	if err != nil {
		return a, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.address, body)
	if err != nil {
		return a, err
	}
	request.Header.Set("Content-Type", contentType)
	if r.cfg.Key != "" {
		request.Header.Set("Authorization", "Bearer "+r.cfg.Key)
	}
	response, err := r.client.Do(request)
	if err != nil {
		return a, fmt.Errorf("the transcription API cannot be reached: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK { // the text of an error may repeat the key
		return a, fmt.Errorf("the transcription API answers %d", response.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return a, fmt.Errorf("the transcription API's answer: %w", err)
	}
	if len(data) > maxAnswer {
		return a, fmt.Errorf("the transcription API's answer has more than %d bytes", maxAnswer)
	}
	if json.Unmarshal(data, &a) != nil {
		return a, errors.New("the transcription API's answer is not its JSON")
	}
	return a, nil
}

// form returns the body of a request. OpenAI's own newer models give no times of words.
func (r *Recogniser) form(wav []byte, prompt string) (body io.Reader, contentType string,
	err error) {
	fields := [][2]string{
		{"model", r.cfg.Model}, {"language", "en"}, {"temperature", "0"},
		{"response_format", "verbose_json"}, {"timestamp_granularities[]", "word"},
	}
	if strings.HasPrefix(r.cfg.Model, "gpt-") {
		fields = append(fields[:3], [2]string{"response_format", "json"})
	}
	if prompt != "" {
		fields = append(fields, [2]string{"prompt", prompt})
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for _, f := range fields {
		if err := form.WriteField(f[0], f[1]); err != nil {
			return nil, "", err
		}
	}
	file, err := form.CreateFormFile("file", "utterance.wav")
	if err != nil {
		return nil, "", err
	}
	if _, err := file.Write(wav); err != nil {
		return nil, "", err
	}
	return &b, form.FormDataContentType(), form.Close()
}
