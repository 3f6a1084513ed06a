package config

import "strings"

// nearest returns the known name that is most like a wrong one, or "" if none is alike. A name that differs only in its section
// counts as alike: people remember a key better than its section.
func nearest(name string, known []string) string {
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

// commonParts returns the length of the sections that two names share. Without them, two keys of a long section would look alike.
func commonParts(a, b string) int {
	end := 0
	for i := 0; i < len(a) && i < len(b) && a[i] == b[i]; i++ {
		if a[i] == '.' || a[i] == '_' {
			end = i + 1
		}
	}
	return end
}

// distance returns how many letters must be added, dropped, changed or swapped with their neighbour to turn one word into the
// other, and at most limit.
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
