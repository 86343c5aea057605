using System.Diagnostics;
using System.Globalization;
using Atelier.Models.Gpt;
using Atelier.Recipes;

namespace Atelier.Benchmarks;

/// <summary>Whether a long training holds its memory.</summary>
internal static class TrainingMemory
{
    private const int Lines = 10;

    /// <summary>
    /// Trains through the whole trainer, a tiny GPT or a network of pictures on few of them a step, and prints the
    /// resident set ten times on the way.
    /// </summary>
    /// <param name="steps">A multiple of 50.</param>
    /// <param name="family">gpt, vae, gan or diffusion.</param>
    public static void Run(int steps, string family)
    {
        if (family != "gpt")
        {
            ImageComparisons.Learn(family, steps, Look);
            return;
        }
        var work = new TrainingWork("train-memory", steps, TrainingWork.Shakespeare(new() { ByteFallback = false }),
            new ModelSection("gpt", new GptConfig
        {
            LayerCount = 2, HeadCount = 2, HiddenSize = 32, ContextLength = 16, Dropout = 0.1,
        }), new TrainingSection { BatchSize = 4 });
        work.Prepare();
        work.Run(Look);

        void Look(long step)
        {
            if (step % (steps / Lines) != 0)
                return;
            using Process self = Process.GetCurrentProcess();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"step {step}: {self.WorkingSet64 / 1048576.0:N1} MiB resident"));
        }
    }
}
