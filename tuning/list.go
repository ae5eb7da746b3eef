package tuning

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxCPUs is more logical processors than the kernel can be built for; larger
// numbers in a list are no processors.
const maxCPUs = 1 << 13

var errNoList = errors.New("this is no list of processors")

// parseList reads a list of processors as the kernel writes it: "0-3,8,10-11".
// An empty list is good, and has none. They come out ascending, each once.
func parseList(text string) ([]int, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	var cpus []int
	for part := range strings.SplitSeq(text, ",") {
		from, to, ranged := strings.Cut(part, "-")
		lo, err := strconv.ParseUint(from, 10, 16)
		hi := lo
		if ranged && err == nil {
			hi, err = strconv.ParseUint(to, 10, 16)
		}
		if err != nil || hi < lo || hi >= maxCPUs || len(cpus) > maxCPUs {
			return nil, fmt.Errorf("%w: %.40q", errNoList, text)
		}
		for cpu := lo; cpu <= hi; cpu++ {
			cpus = append(cpus, int(cpu))
		}
	}
	slices.Sort(cpus)
	return slices.Compact(cpus), nil
}

// listText writes processors as the kernel does.
func listText(cpus []int) string {
	var b strings.Builder
	for i := 0; i < len(cpus); {
		j := i
		for j+1 < len(cpus) && cpus[j+1] == cpus[j]+1 {
			j++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(cpus[i]))
		if j > i {
			b.WriteString("-" + strconv.Itoa(cpus[j]))
		}
		i = j + 1
	}
	return b.String()
}

// maskWord is how many processors one word of a mask has.
const maskWord = 32

// parseMask reads a set of processors as a mask, in words of 32 bits with the
// highest first: "00000001,00000003" is 0, 1 and 32.
func parseMask(text string) ([]int, error) {
	words := strings.Split(strings.TrimSpace(text), ",")
	if len(words) > maxCPUs/maskWord {
		return nil, fmt.Errorf("%w: it has %d words", errNoList, len(words))
	}
	var cpus []int
	for i := range words {
		word, err := strconv.ParseUint(words[len(words)-1-i], 16, maskWord)
		if err != nil {
			return nil, fmt.Errorf("%w: %.40q", errNoList, text)
		}
		for bit := range maskWord {
			if word>>bit&1 == 1 {
				cpus = append(cpus, i*maskWord+bit)
			}
		}
	}
	return cpus, nil
}

// maskText writes processors as a mask, for echo into a file of the kernel.
func maskText(cpus []int) string {
	if len(cpus) == 0 {
		return "0"
	}
	words := make([]uint32, slices.Max(cpus)/maskWord+1)
	for _, cpu := range cpus {
		words[cpu/maskWord] |= 1 << (cpu % maskWord)
	}
	last := len(words) - 1
	text := strconv.FormatUint(uint64(words[last]), 16)
	for i := last - 1; i >= 0; i-- {
		text += fmt.Sprintf(",%08x", words[i])
	}
	return text
}
