package voice

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"bedside/speech/endpoint"
	"bedside/speech/opus"
)

// maxAnswer limits what is read of an API's answer: a minute of 16-bit sound at 48 kHz.
const maxAnswer = 6 << 20

// api speaks with an HTTP API like OpenAI's (POST /v1/audio/speech), as vLLM, speaches, LocalAI
// and OpenAI itself have it.
type api struct {
	address, key, model string
	female, male        string // the API's names of voices
	client              *http.Client
	slots               chan struct{} // one is taken by each request
}

// apiRequests is the number of requests that an API gets at the same time.
const apiRequests = 4

// newAPI returns the API's voices, or nil without an address.
func (c Config) newAPI() engine {
	if c.URL == "" {
		return nil
	}
	return &api{
		address: strings.TrimSuffix(c.URL, "/") + "/audio/speech", key: c.Key, model: c.Model,
		female: c.Female, male: c.Male, slots: make(chan struct{}, apiRequests),
		client: endpoint.Client(),
	}
}

func (a *api) name() string { return "api" }

func (a *api) remote() bool { return true }

func (a *api) speaks(string) bool { return true }

func (a *api) version(s style) string {
	return fmt.Sprintf("%s %s %s %.2f %s", a.address, a.model, a.voice(s), s.rate(), a.manner(s))
}

func (a *api) voice(s style) string {
	if s.sex == "female" {
		return a.female
	}
	return a.male
}

// manner describes how to speak, for models that take such instructions.
func (a *api) manner(s style) string {
	if !strings.HasPrefix(a.model, "gpt-") {
		return ""
	}
	who := "a " + map[bool]string{true: "woman", false: "man"}[s.sex == "female"]
	if s.age > 0 {
		who += fmt.Sprintf(" of %d", s.age)
	}
	if s.emotion == "" {
		return "Speak as " + who + " at a clinic would."
	}
	return fmt.Sprintf("Speak as %s at a clinic would, %s.", who, s.emotion)
}

func (a *api) render(ctx context.Context, text string, s style) (sound, error) {
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return sound{}, context.Cause(ctx)
	}
	body, err := json.Marshal(struct {
		Model        string  `json:"model"`
		Input        string  `json:"input"`
		Voice        string  `json:"voice"`
		Format       string  `json:"response_format"`
		Speed        float64 `json:"speed"`
		Instructions string  `json:"instructions,omitempty"`
	}{a.model, text, a.voice(s), "wav", s.rate(), a.manner(s)})
	if err != nil {
		return sound{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.address,
		bytes.NewReader(body))
	if err != nil {
		return sound{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	if a.key != "" {
		request.Header.Set("Authorization", "Bearer "+a.key)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return sound{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK { // the text of an error may repeat the key
		return sound{}, fmt.Errorf("the speech API answers %d", response.StatusCode)
	}
	return readSound(response.Body)
}

// readSound reads a sound file of at most maxAnswer bytes and maxClip.
func readSound(r io.Reader) (sound, error) {
	limited := &io.LimitedReader{R: r, N: maxAnswer + 1}
	pcm, err := opus.ReadAudio(limited, opus.ClockRate, maxClip)
	if limited.N <= 0 {
		return sound{}, fmt.Errorf("the sound has more than %d bytes", maxAnswer)
	}
	if err != nil {
		return sound{}, err
	}
	return sound{pcm, opus.ClockRate}, nil
}
