// Draws the plots of the page from the numbers that it carries.
(function () {
	"use strict";
	const root = document.documentElement;
	const plots = JSON.parse(document.getElementById("plots").textContent);
	const places = [...document.querySelectorAll("[data-plot]")];
	const height = 240, colours = 6, font = "12px system-ui, -apple-system, \"Segoe UI\", Roboto, Arial, sans-serif";
	const style = name => getComputedStyle(root).getPropertyValue(name).trim();
	const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
	const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
	const number = v => v == null ? "" : Math.abs(v) >= 1000 ? whole.format(v) : digits.format(v);

	// A linear axis shows 0, so that a small change looks small.
	function fromZero(_, low, high) {
		if (low === 0 && high === 0) return [0, 1];
		const range = uPlot.rangeNum(Math.min(low, 0), Math.max(high, 0), 0.08, true);
		return low >= 0 ? [0, range[1]] : range;
	}

	// The steps of a logarithmic axis: 1, 2 and 5 of each decade.
	function steps(from, to) {
		const all = [];
		for (let e = Math.floor(Math.log10(from)) - 1; e <= Math.ceil(Math.log10(to)) + 1; e++)
			for (const d of [1, 2, 5]) all.push(Number(d + "e" + e));
		return all;
	}

	// A logarithmic axis begins and ends at a step.
	function stepwise(_, low, high) {
		const all = steps(low, high);
		return [all.findLast(v => v < low), all.find(v => v > high)];
	}

	// Over many decades there is room for their beginnings only.
	function marked(u, splits) {
		const { min, max } = u.scales.y, few = max / min < 2e3;
		return splits.map(v => v != null && (few ? "125" : "1").includes(v.toExponential()[0]) ? v : null);
	}

	// An axis is as wide as its longest number.
	function room(u, values, i, cycle) {
		const axis = u.axes[i];
		if (cycle > 1) return axis._size;
		const longest = (values || []).reduce((a, b) => b && b.length > a.length ? b : a, "");
		u.ctx.font = axis.font[0];
		return Math.ceil(axis.ticks.size + axis.gap + u.ctx.measureText(longest).width / devicePixelRatio) + 2;
	}

	// A point that has no neighbour makes no line, so it is drawn as a point.
	function lonely(u, i, shown) {
		if (shown) return null;
		const y = u.data[i];
		return y.map((v, k) => k).filter(k => y[k] != null && y[k - 1] == null && y[k + 1] == null);
	}

	function axis(more, filter) {
		const line = style("--line"), kept = filter ? { filter: filter } : {};
		return Object.assign(kept, {
			stroke: style("--muted"), font: font, labelFont: font, labelGap: 0, labelSize: 18, gap: 4,
			grid: Object.assign({ stroke: line, width: 1 }, kept), ticks: Object.assign({ stroke: line, width: 1, size: 4 }, kept),
			values: (_, splits) => splits.map(number),
		}, more);
	}

	// Lines where something began, with its name beside.
	function events(plot) {
		return u => {
			const ctx = u.ctx, ratio = devicePixelRatio, box = u.bbox;
			ctx.save();
			ctx.font = u.axes[0].font[0];
			ctx.fillStyle = ctx.strokeStyle = style("--muted");
			ctx.lineWidth = ratio;
			ctx.setLineDash([3 * ratio, 3 * ratio]);
			ctx.textBaseline = "top";
			for (const e of plot.Events || []) {
				const x = Math.round(u.valToPos(e.At, "x", true)), right = box.left + box.width;
				if (x < box.left || x > right) continue;
				ctx.beginPath();
				ctx.moveTo(x, box.top);
				ctx.lineTo(x, box.top + box.height);
				ctx.stroke();
				const left = x + ctx.measureText(e.Name).width + 8 * ratio > right;
				ctx.textAlign = left ? "right" : "left";
				ctx.fillText(e.Name, x + (left ? -4 : 4) * ratio, box.top + 2 * ratio);
			}
			ctx.restore();
		};
	}

	// What uPlot wants to know of a plot, and its numbers.
	function prepare(plot) {
		const series = [{ label: "at", value: (_, v) => number(v) }], bands = [], tables = [], bandOf = {};
		plot.Series.forEach((s, i) => {
			const colour = style("--series-" + i % colours);
			const at = series.push({
				label: s.Name, stroke: colour, width: 1.5, value: (_, v) => number(v),
				points: plot.Points ? { show: true, size: 7, fill: colour } : { show: false, size: 6, fill: colour, filter: lonely },
			}) - 1;
			tables.push([s.X, s.Y]);
			if (!s.Low) return;
			for (const edge of [s.High, s.Low]) {
				series.push({ label: "", class: "band", width: 0, points: { show: false } });
				tables.push([s.X, edge]);
			}
			bands.push({ series: [at + 1, at + 2], fill: colour + "2e" });
			bandOf[at] = [at + 1, at + 2];
		});
		return { series: series, bands: bands, data: uPlot.join(tables), bandOf: bandOf };
	}

	function draw(place) {
		const plot = plots[place.dataset.plot], made = prepare(plot);
		place.textContent = "";
		return new uPlot({
			width: place.clientWidth, height: height, series: made.series, bands: made.bands,
			scales: { x: { time: false }, y: plot.Log ? { distr: 3, range: stepwise } : { range: fromZero } },
			axes: [axis({ label: plot.X, size: 26 }), axis({ size: room }, plot.Log && marked)],
			cursor: { y: false, sync: { key: plot.Group + plot.X }, points: { size: 6 } },
			hooks: {
				draw: [events(plot)],
				setCursor: [u => u.root.classList.toggle("idle", u.cursor.idx == null)],
				setSeries: [(u, i, change) => {
					for (const k of change.show == null ? [] : made.bandOf[i] || []) u.setSeries(k, { show: change.show }, false);
				}],
				ready: [u => u.root.classList.add("idle")],
			},
		}, made.data, place);
	}

	let drawn = [];
	function drawAll() {
		for (const u of drawn) u.destroy();
		drawn = places.map(draw);
	}

	for (const d of document.querySelectorAll("figure details")) d.open = false;
	drawAll();
	new ResizeObserver(() => {
		drawn.forEach((u, i) => {
			const width = places[i].clientWidth;
			if (width > 0 && width !== u.width) u.setSize({ width: width, height: height });
		});
	}).observe(document.querySelector("main"));
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
	addEventListener("beforeprint", () => { root.classList.add("printing"); drawAll(); });
	addEventListener("afterprint", () => { root.classList.remove("printing"); drawAll(); });
})();
