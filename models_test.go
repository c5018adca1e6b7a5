package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bedside/configs"
	"bedside/speech/asr/models"
)

// TestModels installs a model of ours from a local server, lists it and removes it.
func TestModels(t *testing.T) {
	archive, err := os.ReadFile("speech/asr/models/testdata/tones.tar.bz2")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(archive))
	}))
	defer server.Close()
	t.Setenv(asBedside, "1") // the process that tries the model
	data := t.TempDir()
	command := func(arguments ...string) (code int, out, errs string) {
		var stdout, stderr strings.Builder
		code = runCommand(t.Context(), append(arguments, "--data", data), &invocation{
			in: strings.NewReader(""), out: &stdout, err: &stderr,
		})
		return code, stdout.String(), stderr.String()
	}
	listed := func() (installed []string) {
		t.Helper()
		code, out, errs := command("models", "list", "--json")
		var list []listedModel
		if err := json.Unmarshal([]byte(out), &list); err != nil || code != exitDone {
			t.Fatalf("%d, %v, %s", code, err, errs)
		}
		for _, m := range list {
			if m.Dir != "" {
				installed = append(installed, m.Name)
			}
		}
		return installed
	}
	sum := sha256.Sum256(archive)
	m := models.Model{
		Name: "tones", About: "tones", License: "ours", URL: server.URL,
		Size: int64(len(archive)), SHA256: hex.EncodeToString(sum[:]),
	}
	cfg := configs.Defaults()
	cfg.Data = data
	var errs strings.Builder
	i := &invocation{out: io.Discard, err: &errs}
	if err := install(t.Context(), i, models.Open(modelFolder(cfg)), cfg, m, ""); err != nil ||
		!strings.Contains(errs.String(), "100 %") {
		t.Fatalf("%v, %s", err, errs.String())
	}
	if said := errs.String(); !strings.Contains(said, "sherpa-onnx 1.") &&
		!strings.Contains(said, "the npm package") { // where there is no engine
		t.Errorf("said %s", said)
	}
	if got := listed(); len(got) != 1 || got[0] != "tones" {
		t.Errorf("installed %v", got)
	}
	if code, _, errs := command("models", "remove", "tones"); code != exitDone ||
		len(listed()) > 0 {
		t.Errorf("removed: %d, %s", code, errs)
	}
	if code, _, _ := command("models", "remove", "tones"); code != exitFailed {
		t.Errorf("removed twice: %d", code)
	}
	if code, _, errs := command("models", "install", "other"); code != exitUsage ||
		!strings.Contains(errs, "models list") {
		t.Errorf("a model that does not exist: %d, %s", code, errs)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.tar.bz2")
	if err := os.WriteFile(wrong, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, said := command("models", "install", "kroko-en", "--from", wrong)
	if code != exitFailed || !strings.Contains(said, "not the one that was released") ||
		len(listed()) > 0 {
		t.Errorf("another file: %d, %s", code, said)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := install(cancelled, i, models.Open(modelFolder(cfg)), cfg, m, ""); err == nil ||
		!strings.Contains(err.Error(), "again to go on") {
		t.Errorf("interrupted: %v", err)
	}
}

// TestHearByAnAPI lets an API of ours hear a file.
func TestHearByAnAPI(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"text": "Who is at home with you in the evening?"}`)
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "turn.wav")
	if err := os.WriteFile(file, toneWAV(), 0o600); err != nil {
		t.Fatal(err)
	}
	hear := func(env ...string) (code int, out, errs string) {
		var stdout, stderr strings.Builder
		code = runCommand(t.Context(), []string{
			"hear", "--json", "--scenario", "nursing-insulin-at-home", "--recogniser", "api", file,
		}, &invocation{out: &stdout, err: &stderr, env: env})
		return code, stdout.String(), stderr.String()
	}
	if code, out, errs := hear("BEDSIDE_HEARING_URL=" + server.URL); code != exitDone ||
		!strings.Contains(out, `"recogniser":"api"`) || !strings.Contains(out, `"evening"`) {
		t.Errorf("%d, %s, %s", code, out, errs)
	}
	if code, _, errs := hear(); code != exitFailed || !strings.Contains(errs,
		"api cannot hear: speech.hearing_url: not set") {
		t.Errorf("without an address: %d, %s", code, errs)
	}
}

// toneWAV returns a second of a tone, 16 bits at 16 kHz.
func toneWAV() []byte {
	const n = 16000
	b := append([]byte("RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"),
		"\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data\xff\xff\xff\xff"...)
	for i := range n {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(9000*math.Sin(float64(i)/8))))
	}
	return b
}
