package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestThePlotIsWellFormedAndShowsEachPoint(t *testing.T) {
	t.Parallel()
	svg := Plot{"A < B", "size, bytes", "time, µs", []Line{{"ours", []float64{10, 1e3, 1e6}, []float64{2, 20, 900}}, {"a & b", []float64{10, 1e3}, []float64{3, 5}}}, "a note"}.SVG()
	circles, texts := 0, ""
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local == "circle" {
				circles++
			}
		case xml.CharData:
			texts += string(token) + "\n"
		}
	}
	if circles != 5 {
		t.Errorf("%d points are drawn, want 5", circles)
	}
	for _, want := range []string{"A < B", "size, bytes", "time, µs", "ours", "a & b", "a note", "\n10\n", "\n1k\n", "\n1M\n"} {
		if !strings.Contains(texts, want) {
			t.Errorf("the text %q is missing", want)
		}
	}
}

func TestAPointOnAPowerOfTenIsOnItsLine(t *testing.T) {
	t.Parallel()
	a := newAxis([]float64{10, 1e3}, 0, 200)
	for v, want := range map[float64]float64{10: 0, 100: 100, 1000: 200} {
		if got := a.at(v); got < want-0.01 || got > want+0.01 {
			t.Errorf("%v is at %v, want %v", v, got, want)
		}
	}
	if a := newAxis([]float64{7}, 0, 100); a.at(7) < 0 || a.at(7) > 100 {
		t.Errorf("a single value is at %v", a.at(7))
	}
}

func TestKnees(t *testing.T) {
	t.Parallel()
	l := Line{"GET", []float64{1, 10, 100, 1000}, []float64{5, 5.5, 8, 8}}
	if got := l.Knees(1.25); len(got) != 1 || got[0] != "GET: from 10 to 100 it grows by 1.45" {
		t.Errorf("got %q", got)
	}
}
