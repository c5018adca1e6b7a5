package acoustic

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Dictionary has the pronunciations of words in lower case, as phones of ARPABET without stress.
type Dictionary map[string][][]string

// ReadDictionary adds the pronunciations of a file to a dictionary: lines of a word and its
// phones. Further pronunciations have a number in parentheses after the word, as in read(2). Words
// that the dictionary has already are kept as they are.
func (d Dictionary) ReadDictionary(r io.Reader) error {
	known := map[string]bool{}
	for w := range d {
		known[w] = true
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		word, _, _ := strings.Cut(strings.ToLower(fields[0]), "(")
		if known[word] {
			continue
		}
		phones := fields[1:]
		for i, p := range phones {
			phones[i] = plainPhone(p)
		}
		d[word] = append(d[word], phones)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("dictionary: %w", err)
	}
	return nil
}

// plainPhone returns a phone without stress, and in place of phones that some dictionaries have in
// addition the nearest one.
func plainPhone(p string) string {
	switch p = strings.TrimRight(p, "0123456789"); p {
	case "AX":
		return "AH"
	case "AXR":
		return "ER"
	}
	return p
}
