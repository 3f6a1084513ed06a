// Package near finds the known name that an unknown name probably means, for error messages that end with "did you
// mean".
package near

import "strings"

// Name returns the name of known that is most similar to the unknown name, or "" if none is similar. A name that
// differs only in its section, such as httpServer, counts as similar: people remember a key better than its section.
func Name(name string, known []string) string {
	best, least := "", len(name)
	for _, k := range known {
		same := commonParts(name, k)
		a, b := strings.ToLower(name[same:]), strings.ToLower(k[same:])
		limit := min(least, len(a)/3+1)
		if len(a) > 2 {
			limit = min(least, max(limit, 2))
		}
		if d := distance(a, b, limit); d < limit {
			best, least = k, d
		}
	}
	if best != "" {
		return best
	}
	leaf := name[strings.LastIndexByte(name, '.')+1:]
	for _, k := range known {
		if leaf != "" && strings.EqualFold(k[strings.LastIndexByte(k, '.')+1:], leaf) {
			return k
		}
	}
	return ""
}

// commonParts returns the length of the leading sections that a and b share, in bytes. Name compares only the rest
// of the names, because two keys with a long common section would otherwise look similar.
func commonParts(a, b string) int {
	end := 0
	for i := 0; i < len(a) && i < len(b) && a[i] == b[i]; i++ {
		if a[i] == '.' || a[i] == '_' {
			end = i + 1
		}
	}
	return end
}

// distance returns the number of edits that turn a into b. An edit adds, removes or changes one letter, or swaps two
// neighbouring letters. If the lengths of a and b differ by limit or more, distance returns limit.
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) >= limit || len(y)-len(x) >= limit {
		return limit
	}
	var twoAbove []int
	above := make([]int, len(y)+1)
	for j := range above {
		above[j] = j
	}
	for i := range x {
		row := make([]int, len(y)+1)
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			row[j+1] = min(above[j]+cost, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], twoAbove[j-1]+1)
			}
		}
		twoAbove, above = above, row
	}
	return above[len(y)]
}
