package slices

import "testing"

func TestQuantile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values []float64
		q      float64
		want   float64
	}{
		{nil, 0.5, 0}, {[]float64{3}, 0.5, 3}, {[]float64{3, 1, 2}, 0.5, 2}, {[]float64{4, 1, 3, 2}, 0.5, 2.5}, {[]float64{5, 4, 1, 3, 2}, 0.25, 2}, {[]float64{1, 2}, 1, 2},
	} {
		if got := Quantile(test.values, test.q); got != test.want {
			t.Errorf("Quantile(%v, %v) is %v, want %v", test.values, test.q, got, test.want)
		}
	}
}
