// @ts-check
/** Three stories from the paper, each told beside the network that it is about. */

/**
 * @typedef {{ title: string, text: string[], set?: Record<string, string>, pace?: number | null,
 *   action?: string, change?: Record<string, string> }} Step
 * @typedef {{ name: string, title: string, steps: Step[] }} Story
 */

/** A network without nonlinearity and with a single output. */
const LINEAR = {
  "task.delay": "2",
  "network.nonlinearity": "linear",
  "network.gain": "20",
  "train.loss": "mse_scalar",
  "train.learning_rate": "0.001",
  "train.scheduler": "none",
  seed: "0",
};

/** @type {Story[]} */
export const STORIES = [
  {
    name: "edge",
    title: "Compression at the edge of chaos",
    steps: [
      {
        title: "Sixty clouds, two names",
        text: [
          `Sixty clusters of points lie in a space of 200 dimensions. Each cluster carries one of two names,
           drawn at random. The network sees a point for one timestep, then nothing, and must say its name
           when the trial ends.`,
          `Every dot is the state of the whole network in one trial, at the last timestep. Its colour is the
           name. Before training, the states still spread over some thirty dimensions: at the edge of chaos,
           the network carries along what it saw.`,
        ],
        set: { "network.gain": "20", "task.input_dim": "200", seed: "0" },
        pace: 2,
        action: "Train",
      },
      {
        title: "What it need not know, it gives up",
        text: [
          `Within an epoch or two the sixty clusters have gathered in two places, one for each name. The task
           asks for one bit, and at the moment of the answer the network holds little more than that.`,
          `The curve below says it in numbers. The effective dimension counts the directions over which states
           spread. Before training, the dashed line, it fell slowly. Now it falls to 1 within a few timesteps:
           the network compresses long before it has to answer.`,
        ],
        action: "Train on",
      },
      {
        title: "Far beyond the edge",
        text: [
          `This network differs in one number: its gain is 250, and its states fly apart from one timestep to
           the next. Train it as well.`,
          `It learns the names just as surely, but it compresses late. For half of the trial, chaos has its
           way, and the solid line follows the dashed one. Only then does it bend away, and it does not reach 1.`,
        ],
        set: { "network.gain": "250", "task.input_dim": "200", seed: "0" },
        pace: 2,
        action: "Train",
      },
    ],
  },
  {
    name: "expansion",
    title: "Expansion, then compression",
    steps: [
      {
        title: "Two dimensions are not enough",
        text: [
          `Now the clusters lie in a plane, mixed so thoroughly that no straight line separates the two names;
           choose ‘input’ among the timesteps to see them. Each of the two coordinates reaches a single unit of
           the network.`,
          `To answer, the network has to lift the points out of their plane, into dimensions where a straight
           cut does it. Train it, and follow the dimension over the trial: from 2 at the input it grows to more
           than 6, well above the dashed line. Here learning expands.`,
        ],
        set: {
          "network.gain": "250",
          "task.input_dim": "2",
          "network.input_weights": "diagonal",
          seed: "0",
        },
        pace: 8,
        action: "Train",
      },
      {
        title: "The same network compresses",
        text: [
          `Give the same network points in 200 dimensions, and keep everything else. There are dimensions to
           spare, and training takes them away: the solid line drops below the dashed one.`,
          `No one told the network to expand in the one case and to compress in the other. The same rule of
           learning does both, and ends with about as many dimensions as the cut between the names needs.`,
        ],
        set: { "network.gain": "250", "task.input_dim": "200", seed: "0" },
        pace: 2,
        action: "Train",
      },
      {
        title: "Without chaos to draw from",
        text: [
          `Back in the plane, with a gain of 20. Before training, this network hardly leaves the plane: it has
           no chaos from which to take dimensions. In the first epochs it even folds the plane into a line, which
           is of no help. Then it must open the line up again, by changing its weights.`,
          `It gets to a little more than two dimensions and names about 70% of the points correctly. The chaotic
           network got all of them.`,
        ],
        set: {
          "network.gain": "20",
          "task.input_dim": "2",
          "network.input_weights": "diagonal",
          seed: "0",
        },
        pace: 8,
        action: "Train",
      },
    ],
  },
  {
    name: "gradients",
    title: "Why gradients compress",
    steps: [
      {
        title: "Take away everything but the gradient",
        text: [
          `Is it the nonlinearity that compresses? Or chaos? Here is a network with neither: linear, with a
           single output. It learns from all of its 800 trials at once, by plain gradient descent, with nothing
           random in it.`,
          `It learns at once. But look at the dimension at the last timestep: it stays at 45. The gradient sees
           only what reaches the output. It pulls the two names apart along the direction of the readout, and
           leaves every other direction as it was.`,
        ],
        set: {
          ...LINEAR,
          "train.optimizer": "sgd",
          "train.batch": "800",
          "train.gradient_noise_on": "recurrent",
        },
        pace: null,
        action: "Train",
      },
      {
        title: "Add noise",
        text: [
          `Now every step of the recurrent weights also gets a random push, in no direction in particular. One
           might expect the states to spread.`,
          `Add the noise while the network trains, and watch the dimension at the last timestep: within some
           hundred epochs it falls below 40.`,
        ],
        action: "Add noise",
        change: { "train.gradient_noise": "5" },
      },
      {
        title: "Why it falls",
        text: [
          `A push that mixes some other direction into the readout makes answers wrong, and the more so the
           further states spread in that direction. The gradient repairs it, and the repair makes the states
           spread a little less there. Noise finds one direction after another, and each repair takes some of it
           away.`,
          `Only the direction of the answer itself is safe, because the loss holds it in place. Noise shakes, the
           gradient steadies, and what nothing holds falls away. That is compression.`,
          `But who adds noise in earnest? Every batch does.`,
        ],
      },
      {
        title: "The noise that was always there",
        text: [
          `This network is the same, and no noise is added. It learns as networks usually do, from ten trials at
           a time. Each batch sees a few of the clusters, and errs a little about the others: that is the noise.`,
          `Train it. The dimension falls from 45 to about 3, and the states end in two places along the readout.
           Then set the trials in a batch to 800 and start again: it takes many more epochs.`,
        ],
        set: { ...LINEAR, "train.optimizer": "rmsprop", "train.batch": "10" },
        pace: 16,
        action: "Train",
      },
    ],
  },
];
