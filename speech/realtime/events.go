package realtime

import (
	"encoding/base64"
	"encoding/json"
	"errors"
)

// serverEvent is a message of the server: the fields that matter, of all types.
type serverEvent struct {
	Type       string `json:"type"`
	ResponseID string `json:"response_id"`
	ItemID     string `json:"item_id"`
	Delta      string `json:"delta"`
	Transcript string `json:"transcript"`
	Session    struct {
		Type  string          `json:"type"`  // only the present form has it
		Audio json.RawMessage `json:"audio"` // likewise
	} `json:"session"`
	Response struct {
		ID     string `json:"id"`
		Status string `json:"status"`
		// Metadata is what respond sends, if the server repeats it.
		Metadata struct {
			Turn string `json:"turn"`
		} `json:"metadata"`
	} `json:"response"`
	Error struct {
		Type    string `json:"type"`
		Code    string `json:"code"`
		EventID string `json:"event_id"`
	} `json:"error"`
}

func parseEvent(data []byte) (e serverEvent, err error) {
	if json.Unmarshal(data, &e) != nil || e.Type == "" {
		return e, errors.New("the realtime API sends what is no event")
	}
	return e, nil
}

// kind is what an event means, whichever form of the protocol has it.
type kind int

const (
	other kind = iota
	created
	audio
	text
	textDone
	done
	failure
)

func (e serverEvent) kind() kind {
	switch e.Type {
	case "response.created":
		return created
	case "response.output_audio.delta", "response.audio.delta":
		return audio
	case "response.output_audio_transcript.delta", "response.audio_transcript.delta":
		return text
	case "response.output_audio_transcript.done", "response.audio_transcript.done":
		return textDone
	case "response.done":
		return done
	case "error":
		return failure
	}
	return other
}

// object is JSON that is sent.
type object map[string]any

// dialect builds messages in the form that the server speaks.
type dialect struct{ first bool } // the protocol's first form, of 2024

func dialectOf(e serverEvent) dialect {
	return dialect{first: e.Session.Type == "" && len(e.Session.Audio) == 0}
}

// session describes the patient, and turns the server's own turn detection off.
func (d dialect) session(instructions, voice string) object {
	tools := []object{{
		"type": "function", "name": recall,
		"description": "What the patient says next, and what it has told so far.",
		"parameters":  object{"type": "object", "properties": object{}},
	}}
	if d.first {
		return object{"type": "session.update", "event_id": sessionEvent, "session": object{
			"modalities": []string{"audio", "text"}, "instructions": instructions,
			"voice": voice, "input_audio_format": "pcm16", "output_audio_format": "pcm16",
			"turn_detection": nil, "tools": tools, "tool_choice": "none",
		}}
	}
	format := object{"type": "audio/pcm", "rate": rate}
	return object{"type": "session.update", "event_id": sessionEvent, "session": object{
		"type": "realtime", "output_modalities": []string{"audio"}, "instructions": instructions,
		"audio": object{
			"input":  object{"format": format, "turn_detection": nil},
			"output": object{"format": format, "voice": voice},
		},
		"tools": tools, "tool_choice": "none",
	}}
}

// sessionEvent is the event_id of the message that describes the session.
const sessionEvent = "session"

// recall is the name of the tool whose answers release facts.
const recall = "recall"

// said is a turn that was said before, or by somebody else than the model.
func (d dialect) said(patient bool, line string) object {
	role, content := "user", "input_text"
	if patient {
		role, content = "assistant", "output_text"
		if d.first {
			content = "text"
		}
	}
	return item(object{
		"type": "message", "role": role,
		"content": []object{{"type": content, "text": line}},
	})
}

func item(of object) object {
	return object{"type": "conversation.item.create", "item": of}
}

// released is a call of the tool and its answer.
func released(id, answer string) []object {
	return []object{
		item(object{
			"type": "function_call", "call_id": id, "name": recall, "arguments": "{}",
		}),
		item(object{"type": "function_call_output", "call_id": id, "output": answer}),
	}
}

// respond asks for a reply.
func (d dialect) respond(id string) object {
	modalities := "output_modalities"
	values := []string{"audio"}
	if d.first {
		modalities, values = "modalities", []string{"audio", "text"}
	}
	return object{"type": "response.create", "event_id": id, "response": object{
		modalities: values, "tool_choice": "none", "metadata": object{"turn": id},
	}}
}

// hear adds sound to what the model hears.
func hear(samples []float32) object {
	return object{
		"type": "input_audio_buffer.append", "audio": base64.StdEncoding.EncodeToString(
			pcm16(samples)),
	}
}

// truncate makes the model forget what was not heard of its reply.
func truncate(item string, milliseconds int64) object {
	return object{
		"type": "conversation.item.truncate", "item_id": item, "content_index": 0,
		"audio_end_ms": milliseconds,
	}
}
