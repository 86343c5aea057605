using System.Diagnostics;
using System.Globalization;
using Atelier.Data.Images;
using Atelier.Decoding;
using Atelier.Models.Diffusion;
using Atelier.Models.Gan;
using Atelier.Models.Layers;
using Atelier.Models.Vae;
using Atelier.Recipes;

namespace Atelier.Benchmarks;

/// <summary>Families of pictures on MNIST beside PyTorch's, the same network, batch, update and sampler; the best of its ways counts.</summary>
internal static class ImageComparisons
{
    private const string Peers = "PyTorch, the best of fp32 and bf16 autocast, each with channels first and last";
    private const double Limit = 1.3;
    private const int BatchSize = 64, DrawnTogether = 100, DrawnTimes = 5, SamplerSteps = 10;

    private static readonly DiffusionConfig Diffusion = new()
    {
        Conditional = true, Channels = [48, 96], Blocks = 1, Sampler = "heun", SamplerSteps = SamplerSteps,
    };

    private static readonly GanConfig Gan = new() { Condition = GanCondition.Projection, Channels = [64, 32] };

    private static readonly VaeConfig Vae = new() { Conditional = true, PriorComponents = 0 };

    public static IEnumerable<Comparison> All =>
    [
        Train("train-diffusion", "train a U-Net of 48 and 96 channels by flow matching", new ModelSection("diffusion", Diffusion), steps: 48, AdamW, "diffusion.py"),
        Sample("sample-diffusion", $"draw by that network, {SamplerSteps} steps of Heun", () => new DiffusionModel(Diffusion, Digits, Precision.Bf16, seed: 1), DrawnTimes, "diffusion.py"),
        Train("train-vae", "train a convolutional VAE of 32 and 64 channels", new ModelSection("vae", Vae), steps: 150, AdamW, "vae.py"),
        Sample("sample-vae", "draw by that VAE's decoder", () => new VaeModel(Vae, Digits, Precision.Bf16, seed: 1), 50 * DrawnTimes, "vae.py"),
        Train("train-gan", "train a conditional DCGAN of 64 and 32 channels, hinge loss and spectral norm", new ModelSection("gan", Gan), steps: 200, Adam, "gan.py"),
        Sample("sample-gan", "draw by its generator", () => new GanModel(Gan, Digits, Precision.Bf16, seed: 1), 20 * DrawnTimes, "gan.py"),
    ];

    /// <summary>What mnist-diffusion and mnist-vae are taught by, at a constant rate.</summary>
    private static TrainingSection AdamW => new() { Optimizer = new() { LearningRate = 2e-3, WeightDecay = 0 }, Ema = 0.998 };

    /// <summary>What mnist-gan is taught by, at a constant rate.</summary>
    private static TrainingSection Adam => new()
    {
        Optimizer = new() { Name = OptimizerName.Adam, LearningRate = 4e-4, Beta1 = 0.5, Beta2 = 0.99, WeightDecay = 0 }, ClipNorm = 0, Ema = 0.999,
    };

    private static ImageSchema Digits { get; } = new(28, 28, 1, [.. Enumerable.Range(0, 10).Select(digit => digit.ToString(CultureInfo.InvariantCulture))]);

    private static string Pictures => Path.Combine(Environment.GetEnvironmentVariable("ATELIER_DATA") ?? "", "mnist");

    /// <summary>Training of a family on MNIST, with a moving average of the weights.</summary>
    /// <param name="name">On the command line.</param>
    /// <param name="description">What is trained.</param>
    /// <param name="model">The model section.</param>
    /// <param name="steps">Steps of one timing.</param>
    /// <param name="update">The optimizer, clipping and averaging, as the script's.</param>
    /// <param name="script">Under peers/: takes train, --data, --batch, --steps, --precision and --layout.</param>
    /// <param name="shape">More of its arguments.</param>
    private static Comparison Train(string name, string description, ModelSection model, int steps, TrainingSection update, string script, params string[] shape)
    {
        var recipe = new Recipe
        {
            Name = name,
            Model = model,
            Training = TimedTraining.Section(steps) with { BatchSize = BatchSize, Optimizer = update.Optimizer, ClipNorm = update.ClipNorm, Ema = update.Ema },
        };
        return new(name, $"{description}, batch {BatchSize}; {Peers}", "pictures/s", Limit,
            () =>
            {
                using var data = ImageData.Open(Folder());
                return TimedTraining.Run(recipe, data);
            },
            Ways([script, "train", "--data", Pictures, "--batch", $"{BatchSize}", "--steps", $"{steps}", .. shape])) { Prepare = Prepare };
    }

    /// <summary>Drawing by fresh weights, which costs what drawing by good ones does.</summary>
    /// <param name="name">On the command line.</param>
    /// <param name="description">What is drawn.</param>
    /// <param name="model">Makes the model.</param>
    /// <param name="times">How often pictures are drawn.</param>
    /// <param name="script">Under peers/: takes sample, --data, --batch, --steps, --precision and --layout.</param>
    /// <param name="shape">More of its arguments.</param>
    private static Comparison Sample(string name, string description, Func<ImageModel> model, int times, string script, params string[] shape) =>
        new(name, $"{description}; {Peers}", "pictures/s", Limit,
            () =>
            {
                using var generator = new ImageGenerator(model());
                DrawingOptions drawing = generator.Model.Check(new DrawingOptions());
                var rates = new List<double>();
                for (int i = 0; i < times; i++)
                {
                    var watch = Stopwatch.StartNew();
                    generator.Draw(seed: 1, i * DrawnTogether, DrawnTogether, label: null, drawing);
                    rates.Add(DrawnTogether / watch.Elapsed.TotalSeconds);
                }
                return new Measurement(Comparison.Median(rates.Skip(1)), Comparison.PeakMiB());
            },
            Ways([script, "sample", "--data", Pictures, "--batch", $"{DrawnTogether}", "--steps", $"{times}", .. shape]));

    private static string[][] Ways(string[] work) =>
    [
        .. from precision in (string[])["bf16", "fp32"]
           from layout in (string[])["first", "last"]
           select (string[])[.. work, "--precision", precision, "--layout", layout],
    ];

    private static string Folder() => Path.Combine(Path.GetTempPath(), $"atelier-benchmark-{Environment.UserName}", "mnist");

    /// <summary>Reads MNIST once, before anything is measured.</summary>
    private static void Prepare()
    {
        if (!Directory.Exists(Folder()))
            ImageData.Prepare(new DataSection { Source = Pictures, Split = new() { Train = 1, Validation = 0, Test = 0 } }, seed: 1, Folder()).Dispose();
    }
}
