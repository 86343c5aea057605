using Atelier.Abstractions;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>
/// A model that writes a given text after any prompt: the most likely token is the one after the longest beginning of
/// the text with which the tokens that it has read end.
/// </summary>
internal sealed class ScriptedModel(int vocabulary, int[] script) : ILanguageModel
{
    public int VocabularySize => vocabulary;

    public int ContextLength => 1 << 20;

    public IDecodingState CreateState(int sequences) => new State(vocabulary, script, sequences);

    public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
        CancellationToken cancellation = default) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    private sealed class State(int vocabulary, int[] script, int sequences) : IDecodingState
    {
        private readonly List<int>[] _read = [.. Enumerable.Range(0, sequences).Select(_ => new List<int>())];

        public int Sequences => sequences;

        public int Length => _read[0].Count;

        public void Append(ReadOnlySpan<int> tokens, Span<float> logits)
        {
            logits.Clear();
            int added = tokens.Length / sequences;
            for (int i = 0; i < sequences; i++)
            {
                _read[i].AddRange(tokens.Slice(i * added, added));
                int done = Math.Min(script.Length - 1, _read[i].Count);
                while (!_read[i].TakeLast(done).SequenceEqual(script[..done]))
                    done--;
                logits[(i * vocabulary) + script[done]] = 100;
            }
        }

        public void Select(ReadOnlySpan<int> parents) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
