package mail

import (
	"bytes"
	"embed"
	"fmt"
	html "html/template"
	"strings"
	text "text/template"

	"bedside/store"
)

//go:embed letters
var files embed.FS

// letters writes letters. The words of each stand once, in letters.txt; both of its forms are
// made of them.
type letters struct {
	words *text.Template
	page  *html.Template
}

func newLetters() (*letters, error) {
	words, err := text.New("letters").Option("missingkey=error").ParseFS(files,
		"letters/letters.txt")
	if err != nil {
		return nil, fmt.Errorf("letters: %w", err)
	}
	page, err := html.ParseFS(files, "letters/letter.html")
	if err != nil {
		return nil, fmt.Errorf("letters: %w", err)
	}
	return &letters{words: words, page: page}, nil
}

// content is what a letter may speak of.
type content struct {
	Name, Site, Link, Until, When, IP, Device, What string
}

// paragraph is some lines, or a link with its words.
type paragraph struct {
	Lines       []string
	Words, Link string
}

// write gives both forms of a letter.
func (l *letters) write(letter store.Letter, c content) (m Message, err error) {
	var b bytes.Buffer
	if err := l.words.ExecuteTemplate(&b, string(letter), c); err != nil {
		return m, fmt.Errorf("letter: %w: %w", store.ErrInvalid, err)
	}
	subject, body, _ := strings.Cut(b.String(), "\n\n")
	var paragraphs []paragraph
	var plain []string
	for part := range strings.SplitSeq(body, "\n\n") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		p := paragraph{Lines: strings.Split(part, "\n")}
		if words, link, ok := strings.Cut(part, "]("); ok && strings.HasPrefix(part, "[") &&
			strings.HasSuffix(link, ")") {
			p = paragraph{Words: words[1:], Link: strings.TrimSuffix(link, ")")}
			part = p.Words + ":\n" + p.Link
		}
		paragraphs, plain = append(paragraphs, p), append(plain, part)
	}
	var h bytes.Buffer
	if err := l.page.Execute(&h, map[string]any{
		"Subject": subject, "Paragraphs": paragraphs,
	}); err != nil {
		return m, fmt.Errorf("letter: %w", err)
	}
	return Message{
		Subject: subject, Text: strings.Join(plain, "\n\n") + "\n", HTML: h.String(),
	}, nil
}
