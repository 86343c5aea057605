using Atelier.Data.Audio;
using Atelier.Models.AudioLm;
using CsCheck;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.AudioLm;

public class DelayPatternTests
{
    [Fact]
    public void Each_codebook_is_a_step_later_than_the_one_before_and_undoing_it_gives_the_codes_back() =>
        Gen.Select(Gen.Int[1, 3], Gen.Int[1, 5], Gen.Int[1, 7], Gen.Long).Sample((batch, books, frames, seed) =>
        {
            using var scope = NewDisposeScope();
            const long empty = 99;
            var random = new SplitMix64((ulong)seed);
            long[] values = [.. Enumerable.Range(0, batch * books * frames).Select(_ => (long)random.Next(10))];
            Tensor codes = tensor(values, batch, books, frames);
            Tensor steps = DelayPattern.Apply(codes, empty);
            int count = frames + books - 1;
            steps.shape.ShouldBe([batch, books, count]);
            DelayPattern.Steps(new CodeShape(books, 10, frames)).ShouldBe(count);
            var plain = new long[batch * books * count];
            for (int sound = 0; sound < batch; sound++)
            {
                for (int book = 0; book < books; book++)
                {
                    for (int step = 0; step < count; step++)
                    {
                        int frame = step - book;
                        plain[(((sound * books) + book) * count) + step] = frame < 0 || frame >= frames ? empty
                            : values[(((sound * books) + book) * frames) + frame];
                    }
                }
            }
            steps.data<long>().ToArray().ShouldBe(plain);
            DelayPattern.Undo(steps).contiguous().data<long>().ToArray().ShouldBe(values);
        }, iter: 50);
}
