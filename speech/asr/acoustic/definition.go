package acoustic

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"strings"
)

// Silence is the name of the phone of silence.
const Silence = "SIL"

// Position says where in its word a phone stands. The values are those of the file.
type Position int

// Positions.
const (
	Internal Position = iota
	Begin
	End
	Single
)

// Definition names the senones of phones and triphones.
type Definition struct {
	Phones   []string // without context; the index is also that of the codebook
	ids      map[string]int
	filler   []bool
	silence  int
	tree     []treeNode
	sequence []int32 // of each phone and triphone: its row in states
	states   [][States]int
	codebook []int // of each senone
}

// treeNode is a node of the tree in which a triphone is looked up by position, phone, left and
// right neighbour. A leaf has no children and names a triphone.
type treeNode struct {
	context, children int16
	next              int32 // first child, or the triphone
}

// Senones returns how many there are.
func (d *Definition) Senones() int { return len(d.codebook) }

// Codebook returns that of a senone.
func (d *Definition) Codebook(senone int) int { return d.codebook[senone] }

// Phone returns the number of a phone.
func (d *Definition) Phone(name string) (id int, ok bool) {
	id, ok = d.ids[name]
	return id, ok
}

// Alone returns the senones of a phone without context.
func (d *Definition) Alone(phone int) [States]int { return d.states[d.sequence[phone]] }

// Between returns the senones of a phone between two others. Where the model lacks a position it
// takes another, and at last those without context.
func (d *Definition) Between(phone, left, right int, at Position) [States]int {
	if d.filler[phone] {
		return d.Alone(phone)
	}
	if d.filler[left] {
		left = d.silence
	}
	if d.filler[right] {
		right = d.silence
	}
	for _, p := range []Position{at, Internal, Begin, End, Single} {
		if id := d.find(int(p), phone, left, right); id >= 0 {
			return d.states[d.sequence[id]]
		}
	}
	return d.Alone(phone)
}

func (d *Definition) find(path ...int) int {
	from, n := 0, int(Single)+1
	for _, context := range path {
		found := false
		for _, node := range d.tree[from : from+n] {
			if int(node.context) != context {
				continue
			}
			if node.children == 0 {
				return int(node.next)
			}
			from, n, found = int(node.next), int(node.children), true
			break
		}
		if !found {
			return -1
		}
	}
	return -1
}

// readDefinition reads a binary mdef. Everything in it is checked here, so that look-ups need no
// checks.
func readDefinition(folder fs.FS) (*Definition, error) {
	const name = "mdef"
	data, err := fs.ReadFile(folder, name)
	if err != nil {
		return nil, fmt.Errorf("acoustic model: %w", err)
	}
	d, what := parseDefinition(data)
	if what != "" {
		return nil, formatError(name, what)
	}
	return d, nil
}

// definitionHeader holds the counts at the beginning of the file, in its order.
type definitionHeader struct {
	Phones, All, States, AloneSenones, Senones, Matrices, Sequences, Context, Nodes, Silence int32
}

func parseDefinition(data []byte) (d *Definition, what string) {
	const magic = "BMDF"
	if len(data) < 12 || string(data[:4]) != magic {
		return nil, "it is not a binary definition"
	}
	text := int64(binary.LittleEndian.Uint32(data[8:]))
	if text > int64(len(data)-12) {
		return nil, "it is too short"
	}
	r := bytes.NewReader(data[12+text:])
	var h definitionHeader
	if binary.Read(r, binary.LittleEndian, &h) != nil {
		return nil, "it is too short"
	}
	if h.States != States || h.Context != 3 || h.Phones < 1 || h.Phones > 256 ||
		h.All < h.Phones || h.Silence < 0 || h.Silence >= h.Phones || h.Senones < 1 ||
		h.Nodes < int32(Single)+1 || h.Sequences < 1 {
		return nil, "its dimensions are others"
	}
	if size := int64(h.Nodes)*8 + int64(h.All)*12 + int64(h.Sequences)*2*States; size >
		int64(r.Len()) || h.Senones > 1<<20 {
		return nil, "it is too short"
	}
	d = &Definition{
		ids: map[string]int{}, silence: int(h.Silence), codebook: make([]int, h.Senones),
	}
	rest := data[len(data)-r.Len():]
	names := 0
	for range h.Phones {
		n := bytes.IndexByte(rest[names:], 0)
		if n < 0 {
			return nil, "its phones have no end"
		}
		name := string(rest[names : names+n])
		d.ids[name] = len(d.Phones)
		d.Phones = append(d.Phones, name)
		d.filler = append(d.filler, name == Silence || strings.HasPrefix(name, "+"))
		names += n + 1
	}
	return d, d.parseTables(rest[min((names+3)&^3, len(rest)):], h)
}

// parseTables reads the tree, the triphones, and their senones.
func (d *Definition) parseTables(data []byte, h definitionHeader) (what string) {
	size := int64(h.Nodes)*8 + int64(h.All)*12 + 4 + int64(h.Sequences)*2*States
	if int64(len(data)) < size {
		return "it is too short"
	}
	u16, u32 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	for range h.Nodes {
		n := treeNode{int16(u16(data)), int16(u16(data[2:])), int32(u32(data[4:]))}
		data = data[8:]
		if n.children < 0 || n.next < -1 || n.children == 0 && n.next >= h.All ||
			n.children > 0 && (n.next < 0 || int64(n.next)+int64(n.children) > int64(h.Nodes)) {
			return "its tree is damaged"
		}
		d.tree = append(d.tree, n)
	}
	base := make([]int, h.All)
	for i := range base {
		d.sequence = append(d.sequence, int32(u32(data)))
		if base[i] = i; i >= int(h.Phones) {
			base[i] = int(data[9])
		}
		data = data[12:]
		if d.sequence[i] < 0 || d.sequence[i] >= h.Sequences || base[i] >= int(h.Phones) {
			return "its triphones are damaged"
		}
	}
	data = data[4:]
	for range h.Sequences {
		var s [States]int
		for i := range s {
			s[i] = int(u16(data[2*i:]))
			if s[i] >= int(h.Senones) {
				return "its states are damaged"
			}
		}
		d.states, data = append(d.states, s), data[2*States:]
	}
	for i, row := range d.sequence {
		for _, senone := range d.states[row] {
			d.codebook[senone] = base[i]
		}
	}
	return ""
}
