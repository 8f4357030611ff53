// @ts-check
/** The curves of the playground. */

import { Plot } from "./chart.js";
import { palette } from "./common.js";

/**
 * What the curves show: the timesteps, the dimensions before training, the last picture, what came before it, and
 * the timestep that is chosen.
 * @typedef {{ x: number[], before: (number | null)[], picture: any, place: number, pick: (place: number) => void,
 *   course: { epoch: number, dimension: (number | null)[], accuracy: number | null, loss: number }[] }} State
 * @param {() => State} state
 */
export function curves(state) {
  const dimension = new Plot(() => ({
    series: [
      {
        name: "before training",
        x: state().x,
        y: state().before,
        colour: palette().series[0],
        dash: true,
      },
      {
        name: "now",
        x: state().x,
        y: state().picture?.dimension ?? [],
        colour: palette().series[0],
      },
    ],
    xLabel: "Timestep",
    yLabel: "Effective dimension",
    yFrom: 0,
    mark: state().x[state().place],
    onpick: (place) =>
      state().pick(
        Math.max(
          0,
          state().x.findIndex((one) => one >= place - 0.5),
        ),
      ),
  }));
  const over = new Plot(() => ({
    series: [
      {
        name: "last timestep",
        x: state().course.map(({ epoch }) => epoch),
        y: state().course.map((one) => one.dimension.at(-1) ?? null),
        colour: palette().series[0],
      },
    ],
    xLabel: "Epoch",
    yLabel: "Dimension at the answer",
    yFrom: 0,
  }));
  const learning = new Plot(() => {
    const classes = state().course.some(({ accuracy }) => accuracy !== null);
    return {
      series: [
        {
          name: classes ? "accuracy" : "loss",
          x: state().course.map(({ epoch }) => epoch),
          y: state().course.map((one) => (classes ? one.accuracy : one.loss)),
          colour: palette().series[1],
        },
      ],
      xLabel: "Epoch",
      yLabel: classes ? "Accuracy" : "Loss",
      yTo: classes ? 1 : undefined,
    };
  });
  const spectrum = new Plot(() => {
    const plane = state().picture?.eigenvalues ?? [];
    return {
      series: [
        {
          name: "eigenvalues",
          x: plane.map((/** @type {number[]} */ one) => one[0]),
          y: plane.map((/** @type {number[]} */ one) => one[1]),
          colour: palette().series[0],
        },
      ],
      xLabel: "Real part",
      yLabel: "Imaginary part",
      dots: true,
      square: true,
      circle: true,
    };
  });
  return { dimension, over, learning, spectrum };
}
