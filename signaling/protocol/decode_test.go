package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestDecodeClientRejects(t *testing.T) {
	join := func(fields string) string {
		return `{"type":"join","version":1,"ticket":"t","offer":"v=0"` + fields + `}`
	}
	for _, c := range []struct {
		what, text string
		err        error
		contains   string
	}{
		{"nothing", "", ErrMalformed, ""},
		{"white space", " \n", ErrMalformed, ""},
		{"a word", "hello", ErrMalformed, ""},
		{"null", "null", ErrMalformed, "object"},
		{"a list", `[{"type":"start"}]`, ErrMalformed, "object"},
		{"a string", `"start"`, ErrMalformed, "object"},
		{"half an object", `{"type":"start"`, ErrMalformed, ""},
		{"half a value", `{"type":"mute","muted":tr`, ErrMalformed, "muted"},
		{"no value", `{"type":}`, ErrMalformed, "type"},
		{"no colon", `{"type" "start"}`, ErrMalformed, ""},
		{"a comma at the end", `{"type":"start",}`, ErrMalformed, ""},
		{"a name that is not a string", `{1:"start"}`, ErrMalformed, ""},
		{"another object after it", `{"type":"start"}{"type":"finish"}`, ErrMalformed, "follows"},
		{"a bracket after it", `{"type":"start"}]`, ErrMalformed, "follows"},
		{"a NUL after it", "{\"type\":\"start\"}\x00", ErrMalformed, "follows"},
		{"not UTF-8", "{\"type\":\"resume\",\"token\":\"\xff\"}", ErrMalformed, "UTF-8"},
		{"a control character", "{\"type\":\"resume\",\"token\":\"\n\"}", ErrMalformed, "token"},
		{
			"deep nesting",
			`{"type":"ping","id":` + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000) +
				"}",
			ErrMalformed, "",
		},
		{"endless nesting", strings.Repeat(`{"type":`, 8_000), ErrMalformed, ""},
		{"a field twice", `{"type":"mute","muted":true,"muted":false}`, ErrMalformed, "twice"},
		{"a type twice", `{"type":"start","type":"finish"}`, ErrMalformed, "twice"},

		{"no type", `{"ticket":"t"}`, ErrMalformed, "type"},
		{"an empty object", `{}`, ErrMalformed, "type"},
		{"a type that is a number", `{"type":1}`, ErrMalformed, "type"},
		{"a type that is null", `{"type":null}`, ErrMalformed, "type"},
		{"an unknown type", `{"type":"sing"}`, ErrUnknownType, "sing"},
		{"an empty type", `{"type":""}`, ErrUnknownType, ""},
		{"a type in capitals", `{"type":"START"}`, ErrUnknownType, "START"},
		{"a server's type", `{"type":"pong","id":1}`, ErrUnknownType, "pong"},
		{"a long type", `{"type":"` + strings.Repeat("x", 1000) + `"}`, ErrUnknownType, ""},

		{"an unknown field", join(`,"admin":true`), ErrField, "admin"},
		{"an unknown field where there are none", `{"type":"start","now":1}`, ErrField, "now"},
		{"a name in capitals", `{"type":"mute","Muted":true}`, ErrField, "muted"},
		{
			"too many packets", `{"type":"sent","ssrc":1,"packets":5000001}`, ErrField,
			"packets must be",
		},
		{
			"packets below zero", `{"type":"sent","ssrc":1,"packets":-1}`, ErrField,
			"packets must be",
		},
		{"a missing flag", `{"type":"mute"}`, ErrField, "muted is missing"},
		{"a missing number", `{"type":"ping"}`, ErrField, "id is missing"},
		{
			"a missing text", `{"type":"join","version":1,"offer":"v=0"}`, ErrField,
			"ticket is missing",
		},
		{
			"an empty text", `{"type":"join","version":1,"ticket":"","offer":"v=0"}`, ErrField,
			"ticket is missing",
		},
		{"null", `{"type":"resume","token":null}`, ErrField, "token is missing"},
		{"no offer id", `{"type":"answer","offer_id":0,"sdp":"v=0"}`, ErrField, "offer_id"},
		{
			"no version", `{"type":"join","ticket":"t","offer":"v=0"}`, ErrField,
			"version is missing",
		},
		{
			"another version", `{"type":"join","version":2,"ticket":"t","offer":"v=0"}`, ErrField,
			"version 2",
		},
		{
			"another version's field",
			`{"type":"join","version":2,"ticket":"t","offer":"v=0","camera":true}`, ErrField,
			"version 2",
		},

		{
			"a string for a flag", `{"type":"mute","muted":"yes"}`, ErrField,
			"muted must be true or false",
		},
		{
			"a number for a flag", `{"type":"mute","muted":1}`, ErrField,
			"muted must be true or false",
		},
		{
			"a number for a string", `{"type":"resume","token":7}`, ErrField,
			"token must be a string",
		},
		{
			"an object for a string", `{"type":"resume","token":{"a":1}}`, ErrField,
			"token must be a string",
		},
		{
			"a string for a number", `{"type":"ping","id":"1"}`, ErrField,
			"id must be a whole number",
		},
		{"a negative number", `{"type":"ping","id":-1}`, ErrField, "from 0"},
		{"half a number", `{"type":"ping","id":0.5}`, ErrField, "whole"},
		{"too large a number", `{"type":"ping","id":18446744073709551616}`, ErrField, "id"},
		{
			"too large a section index",
			`{"type":"candidate","candidate":"","sdp_m_line_index":65536}`,
			ErrField, "65535",
		},
		{
			"a number for a section's name", `{"type":"candidate","candidate":"","sdp_mid":0}`,
			ErrField, "sdp_mid must be a string",
		},

		{
			"an SDP of 1 MB",
			`{"type":"answer","offer_id":1,"sdp":"` + strings.Repeat("x", 1<<20) + `"}`,
			ErrTooLarge, "65536",
		},
		{"one byte too many", ofSize(MaxMessage + 1), ErrTooLarge, ""},
		{
			"a long ticket",
			`{"type":"join","version":1,"ticket":"` + strings.Repeat("x", maxTicket+1) +
				`","offer":"v=0"}`,
			ErrField, "ticket is longer than 4096",
		},
		{
			"a long token", `{"type":"resume","token":"` + strings.Repeat("x", maxToken+1) + `"}`,
			ErrField, "token is longer",
		},
		{
			"a long candidate",
			`{"type":"candidate","candidate":"` + strings.Repeat("x", maxCandidate+1) + `"}`,
			ErrField, "candidate is longer",
		},
		{
			"a long section's name",
			`{"type":"candidate","candidate":"","sdp_mid":"` + strings.Repeat("x", maxMid+1) +
				`"}`,
			ErrField, "sdp_mid is longer",
		},
		{"nothing typed", `{"type":"typed","text":" \n"}`, ErrField, "text is missing"},
		{
			"too much typed", `{"type":"typed","text":"` + strings.Repeat("é", MaxTyped+1) + `"}`,
			ErrField, "text is longer than 500",
		},
		{"an unknown action", `{"type":"control","action":"skip"}`, ErrField, "action must be"},
		{"no words", `{"type":"heard","words":[],"final":true}`, ErrField, "words must be"},
		{
			"too many words", heard(strings.Repeat(word(`"a"`, "1", "2", "1")+",", MaxHeardWords) +
				word(`"a"`, "1", "2", "1")), ErrField, "words must be",
		},
		{"an empty word", heard(word(`""`, "1", "2", "1")), ErrField, "a word must have"},
		{
			"a long word", heard(word(`"`+strings.Repeat("x", maxWord+1)+`"`, "1", "2", "1")),
			ErrField, "a word must have",
		},
		{"a word before the play", heard(word(`"a"`, "-1", "2", "1")), ErrField, "from_ms"},
		{"a word backwards", heard(word(`"a"`, "3", "2", "1")), ErrField, "from_ms"},
		{"a word of tomorrow", heard(word(`"a"`, "3", "86400000", "1")), ErrField, "from_ms"},
		{"too sure of a word", heard(word(`"a"`, "1", "2", "1.5")), ErrField, "confidence"},
	} {
		t.Run(c.what, func(t *testing.T) {
			m, err := DecodeClient([]byte(c.text))
			if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.contains) {
				t.Fatalf("%+v, %v; want %v that contains %q", m, err, c.err, c.contains)
			}
			if len(err.Error()) > 200 {
				t.Errorf("the error text has %d bytes", len(err.Error()))
			}
		})
	}
}

// ofSize returns a message of the given size in bytes.
func ofSize(n int) string {
	frame := `{"type":"answer","offer_id":1,"sdp":""}`
	return strings.Replace(frame, `""`, `"`+strings.Repeat("x", n-len(frame))+`"`, 1)
}

func TestDecodeClientAccepts(t *testing.T) {
	mid, index := "0", uint16(0)
	for text, want := range map[string]ClientMessage{
		`{"type":"start"}`:                              Start{},
		" { \"type\" : \"start\" } \r\n":                Start{},
		`{"muted":true,"type":"mute"}`:                  Mute{Muted: true},
		`{"type":"mute","muted":false}`:                 Mute{},
		`{"type":"hidden","hidden":true}`:               Hidden{Hidden: true},
		`{"type":"sent","ssrc":4294967295,"packets":7}`: Sent{SSRC: 1<<32 - 1, Packets: 7},
		`{"type":"resume","token":"t"}`:                 Resume{Token: "t"},
		`{"type":"candidate","candidate":""}`:           Candidate{},
		`{"type":"ping","id":18446744073709551615}`: Ping{
			ID: 1<<64 - 1,
		},
		"{\"type\":\"resume\",\"token\":\"\\u00e9é\"}": Resume{Token: "éé"},
		`{"type":"candidate","candidate":"a","sdp_mid":null,"sdp_m_line_index":null}`: Candidate{
			Candidate: "a",
		},
		`{"type":"candidate","candidate":"a","sdp_mid":"0","sdp_m_line_index":0}`: Candidate{
			Candidate: "a", SDPMid: &mid, SDPMLineIndex: &index,
		},
	} {
		if m, err := DecodeClient([]byte(text)); err != nil || !reflect.DeepEqual(m, want) {
			t.Errorf("%s: %+v, %v; want %+v", text, m, err, want)
		}
	}
	if _, err := DecodeClient([]byte(ofSize(MaxMessage))); err != nil {
		t.Errorf("a message of %d bytes: %v", MaxMessage, err)
	}
}

// heard returns a heard message with a list of words.
func heard(words string) string { return `{"type":"heard","words":[` + words + `],"final":true}` }

func word(text, from, to, confidence string) string {
	return `{"text":` + text + `,"from_ms":` + from + `,"to_ms":` + to + `,"confidence":` +
		confidence + `}`
}

func TestDecodeServerIgnoresUnknownFields(t *testing.T) {
	m, err := DecodeServer([]byte(`{"type":"pong","id":3,"load":0.5}`))
	if err != nil || m != (Pong{ID: 3}) {
		t.Errorf("%+v, %v", m, err)
	}
	for text, want := range map[string]error{
		`{"type":"sing"}`: ErrUnknownType, `{"type":"pong","id":"x"}`: ErrField,
		`{"type":"start"}`: ErrUnknownType, `[]`: ErrMalformed,
	} {
		if m, err := DecodeServer([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%s: %+v, %v; want %v", text, m, err, want)
		}
	}
}

func TestEveryMessageSurvivesEncoding(t *testing.T) {
	for _, m := range clientMessages() {
		roundTrip(t, m, DecodeClient)
	}
	for _, m := range serverMessages() {
		roundTrip(t, m, DecodeServer)
	}
}

// roundTrip encodes and decodes a message of m's type with every field set, and checks that the
// type is first.
func roundTrip[M any](t *testing.T, m M, decode func([]byte) (M, error)) {
	t.Helper()
	value := reflect.New(reflect.TypeOf(m)).Elem()
	set(value)
	b, err := Encode(value.Interface())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(b, []byte(`{"type":"`+TypeOf(m)+`"`)) {
		t.Errorf("%T begins %.40s", m, b)
	}
	if got, err := decode(b); err != nil || !reflect.DeepEqual(any(got), value.Interface()) {
		t.Errorf("%s: %+v, %v; want %+v", b, got, err, value.Interface())
	}
}

// set sets everything in a value to something other than zero.
func set(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			set(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		set(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		set(v.Index(0))
		set(v.Index(1))
	case reflect.String:
		if v.Type() == reflect.TypeFor[ControlAction]() {
			v.SetString(string(ControlHint)) // others are refused
			return
		}
		v.SetString("a \"quoted\" <text>, a=x\r\n é 語 \u2028")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(0.125)
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1<<v.Type().Bits() - 1)
	case reflect.Int, reflect.Int64:
		v.SetInt(Version)
	default:
		panic("no value for " + v.Kind().String())
	}
}

func TestOnlyMessagesAreEncoded(t *testing.T) {
	for _, v := range []any{nil, 1, "start", Peer{}, struct{}{}} {
		if b, err := Encode(v); !errors.Is(err, ErrUnknownType) {
			t.Errorf("%v was encoded as %s, %v", v, b, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range clientMessages() {
		value := reflect.New(reflect.TypeOf(m)).Elem()
		seed(f, value.Interface())
		set(value)
		seed(f, value.Interface())
	}
	for _, m := range serverMessages() {
		value := reflect.New(reflect.TypeOf(m)).Elem()
		set(value)
		seed(f, value.Interface())
	}
	for _, text := range []string{
		"", "null", "{}", `{"type":`, `{"type":"mute","muted":1}`, `{"type":"start"}{}`,
		`{"type":"ping","id":1e3}`, "{\"\xff\":0}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := DecodeClient(b); err == nil {
			checkReencoding(t, m, DecodeClient)
		}
		if m, err := DecodeServer(b); err == nil {
			checkReencoding(t, m, DecodeServer)
		}
	})
}

func seed(f *testing.F, m any) {
	b, err := Encode(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
}

// checkReencoding checks that a decoded message is the same after encoding and decoding it.
func checkReencoding[M any](t *testing.T, m M, decode func([]byte) (M, error)) {
	b, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > MaxMessage {
		return // escaping has made it too long
	}
	if got, err := decode(b); err != nil || !same(got, m) {
		t.Fatalf("%+v became %s, then %+v, %v", m, b, got, err)
	}
}

// same compares the encoded messages, because an empty list may have been null.
func same(a, b any) bool {
	x, err := Encode(a)
	y, err2 := Encode(b)
	return err == nil && err2 == nil && bytes.Equal(x, y)
}

func TestCloseCodes(t *testing.T) {
	seen := map[int]ErrorCode{}
	for _, code := range constants(t, "ErrorCode") {
		n := CloseCode(ErrorCode(code))
		if other, ok := seen[n]; ok {
			t.Errorf("%s and %s both close with %d", code, other, n)
		}
		seen[n] = ErrorCode(code)
		if (n < 4000 || n > 4099) && code != string(CodeSlow) {
			t.Errorf("%s closes with %d", code, n)
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d codes", len(seen))
	}
	if fmt.Sprint(CloseCode("")) != fmt.Sprint(CloseCode(CodeUnavailable)) {
		t.Error("a code that is none does not close as unavailable")
	}
}
