package cli

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/actionhero-go/actionhero/internal/terminal"
)

// columnGap is the space between two columns.
const columnGap = 2

// minColumn is the width below which no column is shortened.
const minColumn = 6

// printList prints rows as a table with aligned columns, without the columns that are empty below their heads. On a
// terminal that is too narrow, it shortens the columns, the last ones first. It escapes control characters in the cells.
func printList(out io.Writer, rows [][]string) {
	rows = withoutEmpty(rows)
	var widths []int
	for _, row := range rows {
		for i := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			row[i] = printable(row[i])
			widths[i] = max(widths[i], runewidth.StringWidth(row[i]))
		}
	}
	if width := terminal.Width(out); width > 0 {
		fit(widths, width)
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if cell = runewidth.Truncate(cell, widths[i], "…"); i < len(row)-1 {
				cell = runewidth.FillRight(cell, widths[i]+columnGap)
			}
			line.WriteString(cell)
		}
		fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
	}
}

// withoutEmpty returns the rows without the columns that have only a head.
func withoutEmpty(rows [][]string) [][]string {
	kept := make([][]string, len(rows))
	for i, head := range rows[0] {
		if len(rows) > 1 && !slices.ContainsFunc(rows[1:], func(row []string) bool { return row[i] != "" }) {
			continue
		}
		kept[0] = append(kept[0], head)
		for j, row := range rows[1:] {
			kept[j+1] = append(kept[j+1], row[i])
		}
	}
	return kept
}

// fit shortens columns so that a row fits into width, as far as minColumn allows.
func fit(widths []int, width int) {
	over := columnGap*(len(widths)-1) - width
	for _, w := range widths {
		over += w
	}
	for i := len(widths) - 1; i > 0 && over > 0; i-- {
		cut := min(over, max(widths[i]-minColumn, 0))
		widths[i] -= cut
		over -= cut
	}
}

// age writes a duration with its two largest units at most.
func age(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Round(time.Second).Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}

// since writes how long ago t was.
func since(t time.Time) string { return age(time.Since(t)) }

// plural writes a number of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
