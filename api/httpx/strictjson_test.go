package httpx

import (
	"encoding/json"
	"strings"
	"testing"
)

type inner struct {
	Code string `json:"code"`
}

type outer struct {
	inner
	Email  string            `json:"email"`
	List   []inner           `json:"list"`
	Child  *inner            `json:"child"`
	Free   map[string]any    `json:"free"`
	Named  map[string]inner  `json:"named"`
	Raw    json.RawMessage   `json:"raw"`
	Hidden string            `json:"-"`
	Texts  map[string]string `json:"texts"`
}

func TestStrictJSON(t *testing.T) {
	for body, want := range map[string]string{
		`{"email":"a","code":"1"}`:                        "",
		`{"email":"a","email":"b"}`:                       "twice",
		`{"email":"a","\u0065mail":"b"}`:                  "twice",
		`{"Email":"a"}`:                                   "exactly",
		`{"email":"a","EMAIL":"b"}`:                       "exactly",
		`{"email":"a","emaıl":"b"}`:                       "", // another letter: huma refuses it
		`{"CODE":"1"}`:                                    "exactly",
		`{"list":[{"code":"1"},{"code":"2"}]}`:            "",
		`{"list":[{"code":"1"},{"Code":"2"}]}`:            "exactly",
		`{"list":[{"code":"1","code":"2"}]}`:              "twice",
		`{"child":{"code":"1","code":"2"}}`:               "twice",
		`{"child":null}`:                                  "",
		`{"free":{"a":{"b":1,"B":[{"x":1,"x":2}]}}}`:      "twice",
		`{"free":{"a":{"b":1,"B":2}}}`:                    "",
		`{"named":{"a":{"code":"1"},"A":{"Code":"1"}}}`:   "exactly",
		`{"raw":{"a":1,"a":2}}`:                           "twice",
		`{"texts":{"a":"1","b":"2"}}`:                     "",
		`{"Hidden":"1"}`:                                  "",
		`{"child":{"code":"1"},"list":[],"email":"last"}`: "",
	} {
		var v outer
		err := new(strictJSON).unmarshal([]byte(body), &v)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

// FuzzStrictJSON checks that an accepted body means the same to a reader that matches keys in
// another way: the fields of the struct are those of a map, where keys are exact, and no key is
// there twice.
func FuzzStrictJSON(f *testing.F) {
	for _, seed := range []string{
		`{"email":"a"}`, `{"email":"a","Email":"b"}`, `{"email":"a","email":"b"}`,
		`{"EMAIL":null}`, `{"\u0065mail":"x"}`, `{"child":{"code":"1","CODE":"2"}}`,
		`{"list":[{"code":"1"}]}`, `[]`, `null`, `{"email":"a"} `,
		`{"em\u0061il":"a","email":"b"}`, `{"emaıl":"x"}`,
		`{"email":"\ud800"}`, strings.Repeat("[", 100), `{"free":{"a":1,"a":2}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var v outer
		if new(strictJSON).unmarshal(body, &v) != nil {
			return
		}
		var exact map[string]any
		if json.Unmarshal(body, &exact) != nil {
			return // not an object
		}
		if email, _ := exact["email"].(string); email != v.Email {
			t.Errorf("%q: email is %q, and %q by exact keys", body, v.Email, email)
		}
		code := ""
		if child, ok := exact["child"].(map[string]any); ok {
			code, _ = child["code"].(string)
		}
		if v.Child != nil && v.Child.Code != code {
			t.Errorf("%q: code is %q, and %q by exact keys", body, v.Child.Code, code)
		}
	})
}
