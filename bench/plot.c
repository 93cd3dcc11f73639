/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plots as SVG, for bench.h: curves over an axis, and groups of bars. Black
 * text on white, so that they can be read in a browser of any colour scheme.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench.h"
#include "report.h"

enum {
	WIDTH = 720,
	HEIGHT = 430,
	LEFT = 70,
	RIGHT = 190,
	TOP = 40,
	BOTTOM = 90
};

const char *plot_directory;

static const char *const colour[] = { "#0b6e4f", "#c1292e", "#2e4fa5",
				      "#e08e00", "#7b2d8b", "#444444" };
#define COLOURS (sizeof(colour) / sizeof(colour[0]))

/* From a value to a place, in both directions of the picture. */
struct scale {
	double low, high; /* of values; their logarithms if log */
	double from, to;  /* of pixels */
	bool log;
};

static double place(const struct scale *s, double val)
{
	if (s->log)
		val = log10(val);
	return s->from +
	       (val - s->low) / (s->high - s->low) * (s->to - s->from);
}

static void widen(struct scale *s, double val)
{
	if (s->log && val <= 0)
		return;
	if (s->log)
		val = log10(val);
	s->low = fmin(s->low, val);
	s->high = fmax(s->high, val);
}

/* 1, 2 or 5 times a power of ten: about five of them in @range. */
static double step_of(double range)
{
	double step = pow(10, floor(log10(range / 5)));

	while (range / step > 8)
		step *= range / step > 20 ? 5 : 2;
	return step;
}

/* To whole ticks. */
static double round_out(struct scale *s)
{
	double step;

	if (s->low > s->high)
		s->low = 0, s->high = 1;
	if (!s->log)
		s->low = fmin(s->low, 0);
	if (s->high - s->low < 1e-9)
		s->high = s->low + 1;
	step = s->log ? 1 : step_of(s->high - s->low);
	s->low = floor(s->low / step + 1e-9) * step;
	s->high = ceil(s->high / step - 1e-9) * step;
	return step;
}

static FILE *open_svg(const char *name, const char *title)
{
	char path[512];
	FILE *f;

	if (!plot_directory)
		return NULL;
	snprintf(path, sizeof(path), "%s/%s.svg", plot_directory, name);
	f = mkdir(plot_directory, 0777) && errno != EEXIST ? NULL
							   : fopen(path, "w");
	if (!f) {
		fprintf(stderr, "bench: %s: %s\n", path, strerror(errno));
		abort();
	}
	fprintf(f,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
		"height=\"%d\" viewBox=\"0 0 %d %d\" "
		"font-family=\"sans-serif\" font-size=\"12\">\n"
		"<!-- made by bench/ -->\n"
		"<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n"
		"<text x=\"%d\" y=\"22\" font-size=\"14\" "
		"font-weight=\"bold\">%s</text>\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT, title);
	return f;
}

static void close_svg(FILE *f)
{
	fputs("</svg>\n", f);
	if (fclose(f))
		abort();
}

static void text(FILE *f, double x, double y, const char *anchor,
		 const char *text)
{
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n",
		x, y, anchor, text);
}

static void line(FILE *f, double x, double y, double x2, double y2,
		 const char *stroke)
{
	fprintf(f,
		"<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
		"stroke=\"%s\"/>\n",
		x, y, x2, y2, stroke);
}

static void tick_text(char *buf, size_t size, double val)
{
	if (val >= 1e9)
		snprintf(buf, size, "%g G", val / 1e9);
	else if (val >= 1e6)
		snprintf(buf, size, "%g M", val / 1e6);
	else if (val >= 1e4)
		snprintf(buf, size, "%g k", val / 1e3);
	else
		snprintf(buf, size, "%g", val);
}

/* A tick every @step, with a line across the picture for y. */
static void axis_y(FILE *f, const struct scale *s, double step,
		   const char *title)
{
	double at, val, y;
	char buf[32];

	for (at = s->low; at <= s->high + step / 2; at += step) {
		val = s->log ? pow(10, at) : at;
		y = place(s, val);
		line(f, LEFT, y, WIDTH - RIGHT, y, "#ddd");
		tick_text(buf, sizeof(buf), val);
		text(f, LEFT - 6, y + 4, "end", buf);
	}
	fprintf(f,
		"<text transform=\"translate(16 %d) rotate(-90)\" "
		"text-anchor=\"middle\">%s</text>\n",
		(TOP + HEIGHT - BOTTOM) / 2, title);
	line(f, LEFT, TOP, LEFT, HEIGHT - BOTTOM, "#000");
}

static void axis_x(FILE *f, const struct scale *s, double step,
		   const char *title)
{
	double at, val, x;
	char buf[32];

	for (at = s->low; at <= s->high + step / 2; at += step) {
		val = s->log ? pow(10, at) : at;
		x = place(s, val);
		line(f, x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 4, "#000");
		tick_text(buf, sizeof(buf), val);
		text(f, x, HEIGHT - BOTTOM + 18, "middle", buf);
	}
	text(f, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - BOTTOM + 42, "middle",
	     title);
	line(f, LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "#000");
}

static void legend(FILE *f, unsigned int nth, const char *name)
{
	double y = TOP + 10 + 20.0 * nth;

	fprintf(f,
		"<rect x=\"%d\" y=\"%.1f\" width=\"12\" height=\"12\" "
		"fill=\"%s\"/>\n",
		WIDTH - RIGHT + 16, y - 10, colour[nth % COLOURS]);
	text(f, WIDTH - RIGHT + 34, y, "start", name);
}

static void draw_curve(FILE *f, const struct bench_curve *c,
		       const struct scale *x, const struct scale *y,
		       const char *stroke)
{
	unsigned int i;

	fputs("<polyline points=\"", f);
	for (i = 0; i < c->n; i++)
		fprintf(f, "%.1f,%.1f ", place(x, c->x[i]), place(y, c->y[i]));
	fprintf(f, "\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>\n",
		stroke);
	for (i = 0; i < c->n; i++)
		fprintf(f,
			"<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" "
			"fill=\"%s\"/>\n",
			place(x, c->x[i]), place(y, c->y[i]), stroke);
}

void bench_plot(const char *name, const struct bench_axes *axes,
		const struct bench_curve *curve, unsigned int n)
{
	struct scale x = { INFINITY, -INFINITY, LEFT, WIDTH - RIGHT,
			   axes->log_x };
	struct scale y = { INFINITY, -INFINITY, HEIGHT - BOTTOM, TOP,
			   axes->log_y };
	FILE *f = open_svg(name, axes->title);
	unsigned int i, k;
	double step;

	if (!f)
		return;
	for (i = 0; i < n; i++)
		for (k = 0; k < curve[i].n; k++) {
			widen(&x, curve[i].x[k]);
			widen(&y, curve[i].y[k]);
		}
	step = round_out(&y);
	axis_y(f, &y, step, axes->y);
	step = round_out(&x);
	axis_x(f, &x, step, axes->x);
	for (i = 0; i < n; i++) {
		draw_curve(f, &curve[i], &x, &y, colour[i % COLOURS]);
		legend(f, i, curve[i].name);
	}
	close_svg(f);
}

static void draw_bar(FILE *f, double x, double width, const struct scale *y,
		     double val, const char *fill)
{
	double top = place(y, val);

	fprintf(f,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
		"fill=\"%s\"/>\n",
		x, top, width, y->from - top, fill);
}

/* Below the axis, ending at @x: a name has the room of several bars. */
static void slanted(FILE *f, double x, const char *name)
{
	fprintf(f,
		"<text transform=\"translate(%.1f %d) rotate(-35)\" "
		"text-anchor=\"end\">%s</text>\n",
		x + 4, HEIGHT - BOTTOM + 14, name);
}

void bench_plot_bars(const char *name, const struct bench_bars *b)
{
	struct scale y = { INFINITY, -INFINITY, HEIGHT - BOTTOM, TOP,
			   b->log_y };
	double width = (double)(WIDTH - LEFT - RIGHT) / b->ngroups;
	double bar = width * 0.8 / b->nbars, x;
	FILE *f = open_svg(name, b->title);
	unsigned int i, k;

	if (!f)
		return;
	for (i = 0; i < b->ngroups * b->nbars; i++)
		widen(&y, b->value[i]);
	axis_y(f, &y, round_out(&y), b->y);
	for (i = 0; i < b->ngroups; i++) {
		x = LEFT + i * width + width * 0.1;
		for (k = 0; k < b->nbars; k++)
			if (b->value[i * b->nbars + k] > 0)
				draw_bar(f, x + k * bar, bar * 0.9, &y,
					 b->value[i * b->nbars + k],
					 colour[k % COLOURS]);
		slanted(f, LEFT + (i + 0.5) * width, b->group[i]);
	}
	line(f, LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "#000");
	for (k = 0; k < b->nbars; k++)
		legend(f, k, b->bar[k]);
	close_svg(f);
}
