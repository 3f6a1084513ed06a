package schema

import (
	"math/big"
	"strconv"
	"strings"
	"testing"
)

// A whole number is read exactly in each form that a decimal number can have, and refused otherwise.
func TestWholeNumbersAreExact(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("0", 400)
	for text, want := range map[string]string{
		"1e18": "1000000000000000000", "5.0": "5", "1E3": "1000", "12.50e1": "125", "10e-1": "1", "-0.0": "0", "+5.0": "5", ".5e1": "5", "5.": "5", "0e99999999999999999999": "0",
		"9223372036854775807.0": "9223372036854775807", "9.223372036854775807e18": "9223372036854775807", "-9.223372036854775808e18": "-9223372036854775808",
		"9007199254740993.0": "9007199254740993", "1" + zeros + "e-400": "1", "0." + zeros + "7e401": "7",
		"9.223372036854775808e18": "range", "-9.223372036854775809e18": "range", "1e999": "range", "1e99999999999999999999": "range", "1" + zeros + ".0": "range", "9223372036854775808": "range",
		"5.5": "type", "1e-1": "type", "1e-99999999999999999999": "type", "9223372036854775807.5": "type", "": "type", "-": "type", ".": "type", "e1": "type", "1e": "type", "1e+": "type",
		"1e1.0": "type", "1e1e1": "type", "1.2.3": "type", "--1.0": "type", "1-.0": "type", "0x1p3": "type", "1_0.0": "type", " 1.0": "type", "Inf": "type", "NaN": "type", "٣.0": "type",
	} {
		got := map[outcome]string{wrongType: "type", outOfRange: "range"}
		n, o := parseInt(text, 64)
		if got[accepted] = strconv.FormatInt(n, 10); got[o] != want {
			t.Errorf("%.40q: got %s, want %s", text, got[o], want)
		}
	}
}

// Each outcome is the one of exact arithmetic, for every size of an integer.
func FuzzWholeNumber(f *testing.F) {
	for _, text := range []string{"1e18", "-1.28e2", "255.0", "1844674407370955161.5e1", "65536e0", "0.5"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 40 || strings.ContainsAny(text, "_/xXpPbBoOiInN") {
			return
		}
		if e := strings.IndexAny(text, "eE"); e >= 0 && len(text)-e > 5 {
			return
		}
		want, ok := new(big.Rat).SetString(text)
		for _, bits := range []int{8, 16, 32, 64} {
			low := new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), uint(bits-1)))
			high := new(big.Int).Not(low)
			n, o := parseInt(text, bits)
			compareWhole(t, text, o, ok, want, new(big.Int).SetInt64(n), low, high)
			u, o := parseUint(text, bits)
			compareWhole(t, text, o, ok, want, new(big.Int).SetUint64(u), new(big.Int), new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(bits)), big.NewInt(1)))
		}
	})
}

func compareWhole(t *testing.T, text string, o outcome, isNumber bool, value *big.Rat, got, low, high *big.Int) {
	t.Helper()
	want := accepted
	switch {
	case !isNumber || !value.IsInt():
		want = wrongType
	case value.Num().Cmp(low) < 0 || value.Num().Cmp(high) > 0:
		want = outOfRange
	}
	if o != want || o == accepted && got.Cmp(value.Num()) != 0 {
		t.Errorf("%q: outcome %v, value %v, want %v of %v", text, o, got, want, value)
	}
}
