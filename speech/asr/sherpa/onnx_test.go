package sherpa

import (
	"encoding/binary"
	"math"
)

// message is a message of protocol buffers, as ONNX files are.
type message []byte

func (m message) number(field int, value int64) message {
	return binary.AppendUvarint(binary.AppendUvarint(m, uint64(field<<3)), uint64(value))
}

func (m message) bytes(field int, value []byte) message {
	m = binary.AppendUvarint(binary.AppendUvarint(m, uint64(field<<3|2)), uint64(len(value)))
	return append(m, value...)
}

func (m message) text(field int, values ...string) message {
	for _, v := range values {
		m = m.bytes(field, []byte(v))
	}
	return m
}

// Types of ONNX.
const (
	onnxFloat = 1
	onnxInt   = 7
)

// node returns an operation with a list of numbers as its attribute.
func node(operation string, inputs, outputs []string, attribute string, values ...int64) message {
	m := message(nil).text(1, inputs...).text(2, outputs...).text(4, operation)
	if attribute == "" {
		return m
	}
	a := message(nil).text(1, attribute).number(20, 7)
	for _, v := range values {
		a = a.number(8, v)
	}
	return m.bytes(5, a)
}

// constant returns a tensor of floats.
func constant(name string, values []float32, dims ...int64) message {
	var m message
	for _, d := range dims {
		m = m.number(1, d)
	}
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return m.number(2, onnxFloat).text(8, name).bytes(9, raw)
}

// port describes an input or an output. A dimension of 0 is any.
func port(name string, of int64, dims ...int64) message {
	var shape message
	for _, d := range dims {
		if d == 0 {
			shape = shape.bytes(1, message(nil).text(2, "n"))
		} else {
			shape = shape.bytes(1, message(nil).number(1, d))
		}
	}
	tensor := message(nil).number(1, of).bytes(2, shape)
	return message(nil).text(1, name).bytes(2, message(nil).bytes(1, tensor))
}

// toneTokens is tokens.txt of toneNetwork.
const toneTokens = "▁ye 0\ns 1\n▁no 2\n<blk> 3\n"

// toneNetwork returns a streaming network with CTC, of the kind that NeMo's are, which hears "yes"
// in a deep tone and "no" in a high one. It compares the means of some features of 80 ms.
func toneNetwork(metadata map[string]string) []byte {
	const features, tokens = 80, 4
	weights := make([]float32, features*tokens)
	for i := range features {
		switch {
		case i < 12: // the tone rises within the word, so that both tokens come
			weights[i*tokens] = 1.0 / 12
		case i >= 16 && i < 28:
			weights[i*tokens+1] = 1.0 / 12
		case i >= 55 && i < 75:
			weights[i*tokens+2] = 1.0 / 20
		}
	}
	var graph message
	for _, n := range []message{
		node("ReduceMean", []string{"audio_signal"}, []string{"mean"}, "axes", 2),
		node("Transpose", []string{"mean"}, []string{"row"}, "perm", 0, 2, 1),
		node("MatMul", []string{"row", "weights"}, []string{"scores"}, ""),
		node("Add", []string{"scores", "bias"}, []string{"logits"}, ""),
		node("Identity", []string{"length"}, []string{"encoded"}, ""),
		node("Identity", []string{"channel"}, []string{"channel_next"}, ""),
		node("Identity", []string{"time"}, []string{"time_next"}, ""),
		node("Identity", []string{"channel_length"}, []string{"channel_length_next"}, ""),
	} {
		graph = graph.bytes(1, n)
	}
	graph = graph.text(2, "tones").
		bytes(5, constant("weights", weights, features, tokens)).
		bytes(5, constant("bias", []float32{0, 0, 0, blankScore}, tokens))
	for _, p := range []message{
		port("audio_signal", onnxFloat, 0, features, 0), port("length", onnxInt, 0),
		port("channel", onnxFloat, 0, 1, 1, 1), port("time", onnxFloat, 0, 1, 1, 1),
		port("channel_length", onnxInt, 0),
	} {
		graph = graph.bytes(11, p)
	}
	for _, p := range []message{
		port("logits", onnxFloat, 0, 0, tokens), port("encoded", onnxInt, 0),
		port("channel_next", onnxFloat, 0, 1, 1, 1), port("time_next", onnxFloat, 0, 1, 1, 1),
		port("channel_length_next", onnxInt, 0),
	} {
		graph = graph.bytes(12, p)
	}
	model := message(nil).number(1, 8).bytes(7, graph).bytes(8, message(nil).number(2, 13))
	for k, v := range metadata {
		model = model.bytes(14, message(nil).text(1, k).text(2, v))
	}
	return model
}

// blankScore is between the features of silence and those of a tone.
const blankScore = -8

// toneMetadata is what the engine reads about a network of this kind.
func toneMetadata() map[string]string {
	m := map[string]string{
		"window_size": "8", "chunk_shift": "4", "subsampling_factor": "4", "vocab_size": "3",
	}
	for _, cache := range []string{"cache_last_channel_dim", "cache_last_time_dim"} {
		for _, dim := range []string{"1", "2", "3"} {
			m[cache+dim] = "1"
		}
	}
	return m
}
