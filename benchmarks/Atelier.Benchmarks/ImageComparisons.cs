using System.Diagnostics;
using System.Globalization;
using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Models.Diffusion;
using Atelier.Models.Gan;
using Atelier.Models.Vae;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Images;
using Atelier.Tensors;

namespace Atelier.Benchmarks;

/// <summary>
/// Families of pictures on MNIST beside PyTorch's, the same network, batch, update and sampler; the best of its ways
/// counts.
/// </summary>
internal static class ImageComparisons
{
    private const string Peers = "PyTorch, the best of fp32 and bf16 autocast, each with channels first and last";
    private const double Limit = 1.3;
    private const int BatchSize = 64, FewPictures = 8, DrawnTogether = 100, DrawnTimes = 5, SamplerSteps = 10;

    private static readonly DiffusionConfig Diffusion = new()
    {
        Conditional = true, Channels = [48, 96], Blocks = 1,
    };

    private static readonly GanConfig Gan = new() { Condition = GanCondition.Projection, Channels = [64, 32] };

    private static readonly VaeConfig Vae = new() { Conditional = true, PriorComponents = 0 };

    public static IEnumerable<Comparison> All =>
    [
        Train("diffusion", "train a U-Net of 48 and 96 channels by flow matching", steps: 48),
        Sample("sample-diffusion", $"draw by that network, {SamplerSteps} steps of Heun",
            () => new DiffusionModel(Diffusion, Digits, Precision.Bf16, seed: 1), DrawnTimes, "diffusion.py"),
        Train("vae", "train a convolutional VAE of 32 and 64 channels", steps: 150),
        Sample("sample-vae", "draw by that VAE's decoder", () => new VaeModel(Vae, Digits, Precision.Bf16, seed: 1),
            50 * DrawnTimes, "vae.py"),
        Train("gan", "train a conditional DCGAN of 64 and 32 channels, hinge loss and spectral norm", steps: 200),
        Sample("sample-gan", "draw by its generator", () => new GanModel(Gan, Digits, Precision.Bf16, seed: 1),
            50 * DrawnTimes, "gan.py"),
    ];

    private static OptimizerSection AdamW => new() { LearningRate = 2e-3, WeightDecay = 0 };

    private static OptimizerSection Adam =>
        new() { Name = OptimizerName.Adam, LearningRate = 4e-4, Beta1 = 0.5, Beta2 = 0.99, WeightDecay = 0 };

    private static ImageSchema Digits { get; } =
        new(28, 28, 1, [.. Enumerable.Range(0, 10).Select(digit => digit.ToString(CultureInfo.InvariantCulture))]);

    private static string Pictures => BenchmarkData.PathOf("mnist");

    /// <summary>Lets a family learn from MNIST, a few pictures a step, and be looked at on the way.</summary>
    /// <param name="family">vae, gan or diffusion.</param>
    /// <param name="steps">How long.</param>
    /// <param name="look">Called about fifty times, with the step.</param>
    public static void Learn(string family, int steps, Action<long> look)
    {
        Prepare();
        using var data = ImageData.Open(Folder());
        TimedTraining.Run(Recipe(family, FewPictures, steps), data, look);
    }

    /// <summary>
    /// A family's network and the rule that its recipe and the peer's script move it by, at a constant rate.
    /// </summary>
    private static Recipe Recipe(string family, int batch, int steps)
    {
        TrainingSection work = TimedTraining.Section(steps) with { BatchSize = batch };
        (object network, TrainingSection training) = family switch
        {
            "diffusion" => ((object)Diffusion, Move(AdamW, 0.998)),
            "vae" => (Vae, Move(AdamW, 0.998)),
            "gan" => (Gan, Move(Adam, 0.999) with { ClipNorm = 0 }),
            _ => throw new AtelierException($"'{family}' is no family of pictures", hint: "vae, gan and diffusion are"),
        };
        return new Recipe { Name = family, Model = new ModelSection(family, network), Training = training };

        TrainingSection Move(OptimizerSection optimizer, double average) =>
            work with { Optimizer = optimizer, Ema = average };
    }

    /// <summary>Training of a family on MNIST, with a moving average of the weights.</summary>
    /// <param name="family">Also the name of the peer's script, which takes train, --data, --batch, --steps,
    /// --precision and --layout.</param>
    /// <param name="description">What is trained.</param>
    /// <param name="steps">Steps of one timing.</param>
    private static Comparison Train(string family, string description, int steps) =>
        new($"train-{family}", $"{description}, batch {BatchSize}; {Peers}", "pictures/s", Limit,
            () =>
            {
                using var data = ImageData.Open(Folder());
                return TimedTraining.Run(Recipe(family, BatchSize, TimedTraining.Steps(steps)), data);
            },
            Ways([$"{family}.py", "train", "--data", Pictures, "--batch", $"{BatchSize}", "--steps",
                $"{TimedTraining.Steps(steps)}"])) { Prepare = Prepare };

    /// <summary>Drawing by fresh weights, which costs what drawing by good ones does.</summary>
    /// <param name="name">On the command line.</param>
    /// <param name="description">What is drawn.</param>
    /// <param name="model">Makes the model.</param>
    /// <param name="times">How often pictures are drawn.</param>
    /// <param name="script">Under peers/: takes sample, --data, --batch, --steps, --precision and --layout.</param>
    private static Comparison Sample(string name, string description, Func<ImageModel> model, int times,
        string script) =>
        new(name, $"{description}; {Peers}", "pictures/s", Limit,
            () =>
            {
                using var generator = new ImageGenerator(model())
                {
                    Defaults = new SamplingDefaults { Sampler = "heun", Steps = SamplerSteps },
                };
                SamplingOptions drawing = generator.Resolve();
                var rates = new List<double>();
                for (int i = 0; i < times; i++)
                {
                    var watch = Stopwatch.StartNew();
                    generator.Sample(seed: 1, i * DrawnTogether, DrawnTogether, label: null, drawing);
                    rates.Add(DrawnTogether / watch.Elapsed.TotalSeconds);
                }
                return new Measurement(Comparison.Median(rates.Skip(1)), Comparison.PeakMiB());
            },
            Ways([script, "sample", "--data", Pictures, "--batch", $"{DrawnTogether}", "--steps", $"{times}"]));

    private static string[][] Ways(string[] work) =>
    [
        .. from precision in (string[])["bf16", "fp32"]
           from layout in (string[])["first", "last"]
           select (string[])[.. work, "--precision", precision, "--layout", layout],
    ];

    private static string Folder() =>
        Path.Combine(Path.GetTempPath(), $"atelier-benchmark-{Environment.UserName}", "mnist");

    /// <summary>Reads MNIST once, before anything is measured.</summary>
    private static void Prepare()
    {
        if (!Directory.Exists(Folder()))
            ImageData.Prepare(new DataSection { Source = BenchmarkData.Find("mnist"),
                Split = new() { Train = 1, Validation = 0, Test = 0 } }, seed: 1, Folder()).Dispose();
    }
}
