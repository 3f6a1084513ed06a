// Package plot draws figures against sizes, both on logarithmic axes, as SVG files that are readable on light and dark pages.
//
// Begin with [Plot].
package plot

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Plot is a diagram. All values are above 0.
type Plot struct {
	Title string
	X, Y  string // the names of the axes, with their units
	Lines []Line
	Note  string // below the diagram
}

// Line is one line of a diagram.
type Line struct {
	Name string
	X, Y []float64
}

// The measures of a diagram, in pixels.
const (
	width, height            = 640, 400
	left, right, top, bottom = 70, 190, 40, 70
)

// The colours of the lines have enough contrast with white and with black.
var colours = []string{"#1f77d4", "#d9541e", "#2a9d3f", "#9b5fc0", "#a07a10"}

const style = `<style>
text { font: 12px sans-serif; fill: #333 } .title { font-size: 14px; font-weight: bold } .axis { stroke: #666 } .grid { stroke: #ddd }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .axis { stroke: #aaa } .grid { stroke: #444 } }
</style>
`

// axis maps the values from low to high to pixels.
type axis struct{ low, high, from, to float64 }

func (a axis) at(v float64) float64 {
	return a.from + (math.Log10(v)-a.low)/(a.high-a.low)*(a.to-a.from)
}

// newAxis returns an axis from a power of ten to another one, with all values in between.
func newAxis(values []float64, from, to float64) axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		low, high = min(low, math.Log10(v)), max(high, math.Log10(v))
	}
	low, high = math.Floor(low+1e-9), math.Ceil(high-1e-9)
	if high <= low {
		high = low + 1
	}
	return axis{low, high, from, to}
}

// SVG returns the diagram.
func (p Plot) SVG() string {
	var xs, ys []float64
	for _, l := range p.Lines {
		xs, ys = append(xs, l.X...), append(ys, l.Y...)
	}
	x, y := newAxis(xs, left, width-right), newAxis(ys, height-bottom, top)
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n<title>%s</title>\n%s",
		width, height, width, height, html.EscapeString(p.Title), style)
	text := func(x, y float64, attributes, s string) {
		fmt.Fprintf(&b, "<text x=\"%.1f\" y=\"%.1f\"%s>%s</text>\n", x, y, attributes, html.EscapeString(s))
	}
	line := func(class string, x1, y1, x2, y2 float64) {
		fmt.Fprintf(&b, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class, x1, y1, x2, y2)
	}
	text(left, 22, ` class="title"`, p.Title)
	for e := x.low; e <= x.high; e++ {
		at := x.at(math.Pow(10, e))
		line("grid", at, top, at, height-bottom)
		text(at, height-bottom+18, ` text-anchor="middle"`, label(e))
	}
	for e := y.low; e <= y.high; e++ {
		at := y.at(math.Pow(10, e))
		line("grid", left, at, width-right, at)
		text(left-6, at+4, ` text-anchor="end"`, label(e))
	}
	line("axis", left, height-bottom, width-right, height-bottom)
	line("axis", left, top, left, height-bottom)
	text((left+width-right)/2, height-bottom+38, ` text-anchor="middle"`, p.X)
	fmt.Fprintf(&b, "<text text-anchor=\"middle\" transform=\"translate(18 %d) rotate(-90)\">%s</text>\n", (top+height-bottom)/2, html.EscapeString(p.Y))
	text(left, height-10, "", p.Note)
	for i, l := range p.Lines {
		colour := colours[i%len(colours)]
		var points []string
		for j := range l.X {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x.at(l.X[j]), y.at(l.Y[j])))
		}
		fmt.Fprintf(&b, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"%s\"/>\n", colour, strings.Join(points, " "))
		for j := range l.X {
			fmt.Fprintf(&b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"><title>%s, %s: %.3g</title></circle>\n", x.at(l.X[j]), y.at(l.Y[j]), colour,
				html.EscapeString(l.Name), number(l.X[j]), l.Y[j])
		}
		at := float64(top + 10 + 18*i)
		fmt.Fprintf(&b, "<rect x=\"%d\" y=\"%.1f\" width=\"10\" height=\"10\" fill=\"%s\"/>\n", width-right+14, at-9, colour)
		text(width-right+30, at, "", l.Name)
	}
	return b.String() + "</svg>\n"
}

func label(exponent float64) string { return number(math.Pow(10, exponent)) }

// number returns v with a suffix for thousands and millions.
func number(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%gk", v/1e3)
	}
	return fmt.Sprintf("%.4g", v)
}

// Knees describes each step between neighbours at which the figure of a line grows by more than the factor allowed, for figures
// that should not depend on the size.
func (l Line) Knees(allowed float64) []string {
	var found []string
	for i := 1; i < len(l.X); i++ {
		if grows := l.Y[i] / l.Y[i-1]; grows > allowed {
			found = append(found, fmt.Sprintf("%s: from %s to %s it grows by %.2f", l.Name, number(l.X[i-1]), number(l.X[i]), grows))
		}
	}
	return found
}
